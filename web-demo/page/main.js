// The page: from its controls to the worker, and back.

import * as notices from "./notices.js";
import { Race } from "./race.js";

const BUNDLED = { name: "the bundled model", url: new URL("model", import.meta.url).href };

const element = (id) => document.getElementById(id);
const race = new Race();

/** What is loaded, or nothing yet. */
let model;
/** What it was loaded from; and what is being loaded, which takes its place if that succeeds. */
let source = BUNDLED;
let asked = source;
/** The engine's worker, if there is one. */
let worker;
/** "loading", "racing", "replaying" or nothing. */
let doing;

/** Loads a model, in a new worker if there is none, or the engine in it is of no use any more. */
function load(wanted) {
  worker ??= startWorker();
  asked = wanted;
  notices.hide();
  race.begin(Number(element("block-size").value));
  enter("loading", `Opening ${wanted.name} …`);
  worker.postMessage({ type: "load", source: wanted, dtype: element("dtype").value });
}

function startWorker() {
  const started = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  // What comes late from one that was given up is not listened to.
  const heard = (data) => started === worker && HANDLERS[data.type](data);
  started.onmessage = ({ data }) => heard(data);
  started.onerror = ({ message }) => {
    const during = doing === "loading" ? "load" : "race";
    heard({ type: "failed", during, kind: "crashed", message: message ?? "The worker did not start." });
  };
  return started;
}

const HANDLERS = {
  adapter({ adapter }) {
    race.software = adapter.software;
    describe("GPU", `${adapter.name}${adapter.software ? " (software: correct, and slow)" : ""}`);
    describe("Kernels", `tier ${adapter.tier}`);
    describe("Largest binding", size(adapter.maxBinding));
    describe("Workgroup memory", size(adapter.workgroupMemory));
  },

  progress({ what, done, total }) {
    const words = {
      download: `Downloading the model: ${size(done)}${total ? ` of ${size(total)}` : ""}`,
      weights: `Weights to the GPU: ${((100 * done) / total).toFixed(0)} %`,
      prompt: `Reading the prompt: ${done} of ${total} tokens`,
    };
    element("progress-text").textContent = words[what];
    const bar = element("progress");
    bar.value = total ? done / total : 0;
  },

  unloaded() {
    model = undefined;
  },

  ready({ model: loaded }) {
    model = loaded;
    source = asked;
    const slider = element("block-size");
    slider.max = model.blockSize;
    slider.value = model.blockSize;
    showSettings();
    describe("Model", `${model.name}, ${model.layers} layers, ${model.dual ? "both views" : "AR view only"}`);
    describe("Weights", `${size(model.weightBytes)} in ${model.dtype}`);
    describe("Longest text", `${model.context} tokens`);
    enter(undefined, model.hasTokenizer ? "Ready." : "This checkpoint has no tokenizer.json, so it takes no text.");
    performance.mark("ready");
  },

  run({ view, run, clock }) {
    if (race.events.length === 0) {
      performance.mark("first token");
    }
    race.add({ view, run, clock });
    if (element("progress-text").textContent) {
      element("progress-text").textContent = "";
      say("Racing …");
    }
  },

  raced({ stopped }) {
    race.judge(stopped);
    enter(undefined, stopped ? "Stopped." : "Done.");
  },

  failed({ during, kind, message }) {
    if (notices.ended(kind)) {
      worker.terminate();
      worker = model = undefined;
    }
    if (during === "load") {
      element("dtype").value = model?.dtype ?? element("dtype").value;
    }
    notices.show({ kind, message }, model ? undefined : () => load(source));
    enter(undefined, model ? `Still loaded: ${model.name}.` : "");
  },
};

/** Begins to do something, or, with nothing, waits for the user. */
function enter(what, words) {
  doing = what;
  say(words);
  element("progress").hidden = what !== "loading";
  element("progress").value = 0;
  element("progress-text").textContent = "";
  const waiting = what === undefined;
  element("race").disabled = !waiting || !model?.hasTokenizer;
  element("stop").disabled = waiting;
  element("replay").disabled = !waiting || !race.canReplay;
  for (const id of ["folder", "dtype"]) {
    element(id).disabled = !waiting;
  }
}

function say(words) {
  element("status").textContent = words;
}

/** A line of what runs here. */
function describe(what, words) {
  const list = element("machine");
  let line = [...list.children].find((child) => child.textContent === what);
  if (!line) {
    line = document.createElement("dt");
    line.textContent = what;
    list.append(line, document.createElement("dd"));
  }
  line.nextElementSibling.textContent = words;
}

function size(bytes) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power && bytes % 1024 ** power ? 1 : 0)} ${units[power]}`;
}

function showSettings() {
  for (const id of ["block-size", "temperature"]) {
    element(`${id}-shown`).textContent = element(id).value;
  }
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = (id) => Number(element(id).value);
  notices.hide();
  race.begin(number("block-size"));
  enter("racing", "Reading the prompt …");
  worker.postMessage({
    type: "race",
    prompt: element("prompt").value,
    options: {
      maxNewTokens: number("max-new-tokens"),
      blockSize: number("block-size"),
      temperature: number("temperature"),
      seed: number("seed"),
    },
  });
});

element("stop").addEventListener("click", () => {
  if (doing === "replaying") {
    race.endReplay();
  } else {
    worker.postMessage({ type: "stop" });
    say("Stopping …");
  }
});

element("replay").addEventListener("click", () => {
  enter("replaying", "In slow motion …");
  race.replay(() => enter(undefined, "Done."));
});

element("prompt").addEventListener("keydown", (event) => {
  // As in a chat: Enter sends, Shift+Enter begins a new line.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!element("race").disabled) {
      element("form").requestSubmit();
    }
  }
});

element("folder").addEventListener("change", ({ target }) => {
  // Those of the folder itself, not of folders in it.
  const files = [...target.files].filter((file) => file.webkitRelativePath.split("/").length === 2);
  const wanted = files.filter((file) => /\.(json|jinja|safetensors)$/.test(file.name));
  const name = files[0]?.webkitRelativePath.split("/")[0] ?? "that folder";
  load({ name, files: wanted.map((file) => [file.name, file]) });
  // So that choosing the same again is a change.
  target.value = "";
});

element("dtype").addEventListener("change", () => load(source));
element("settings").addEventListener("input", showSettings);

async function showExamples() {
  const response = await fetch(new URL("model/demo_prompts.txt", import.meta.url));
  if (!response.ok) {
    return;
  }
  for (const line of (await response.text()).trim().split("\n")) {
    const [family, prompt] = line.split("\t");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = family.replaceAll("_", " ");
    button.title = prompt;
    button.addEventListener("click", () => {
      element("prompt").value = prompt;
      element("prompt").focus();
    });
    element("examples").append(button);
  }
}

showSettings();
showExamples();
load(BUNDLED);
