// The page: sends what the controls say to the worker, and shows what the worker answers.

import * as notices from "./notices.js";
import { Race } from "./race.js";

const BUNDLED = { name: "the bundled model", url: new URL("model", import.meta.url).href };

const element = (id) => document.getElementById(id);
const race = new Race();

/** The loaded model, or undefined. */
let model;
/** The source of the loaded model. */
let source = BUNDLED;
/** The source that was asked for last. It becomes `source` once its model is ready. */
let requested = source;
/** The engine's worker, or undefined. */
let worker;
/** "loading", "racing", "replaying", or undefined while the page waits for the user. */
let activity;

/** Loads a model. Starts a worker if there is none. */
function load(wanted) {
  worker ??= startWorker();
  requested = wanted;
  notices.hide();
  race.begin(Number(element("block-size").value));
  enter("loading", `Opening ${wanted.name} …`);
  worker.postMessage({ type: "load", source: wanted, dtype: element("dtype").value });
}

function startWorker() {
  const started = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  // Late messages of a worker that was given up are ignored.
  const handle = (data) => started === worker && HANDLERS[data.type](data);
  started.onmessage = ({ data }) => handle(data);
  started.onerror = ({ message }) => {
    const during = activity === "loading" ? "load" : "race";
    handle({ type: "failed", during, kind: "crashed", message: message ?? "The worker did not start." });
  };
  return started;
}

const HANDLERS = {
  adapter({ adapter }) {
    race.software = adapter.software;
    describe("GPU", `${adapter.name}${adapter.software ? " (software: correct, and slow)" : ""}`);
    describe("Kernels", `tier ${adapter.tier}`);
    describe("Largest binding", formatBytes(adapter.maxBinding));
    describe("Workgroup memory", formatBytes(adapter.workgroupMemory));
  },

  progress({ what, done, total }) {
    const texts = {
      download: `Downloading the model: ${formatBytes(done)}${total ? ` of ${formatBytes(total)}` : ""}`,
      weights: `Weights to the GPU: ${((100 * done) / total).toFixed(0)} %`,
      prompt: `Reading the prompt: ${done} of ${total} tokens`,
    };
    element("progress-text").textContent = texts[what];
    const bar = element("progress");
    bar.value = total ? done / total : 0;
  },

  unloaded() {
    model = undefined;
  },

  ready({ model: loaded }) {
    model = loaded;
    source = requested;
    const slider = element("block-size");
    slider.max = model.blockSize;
    slider.value = model.blockSize;
    showSettings();
    describe("Model", `${model.name}, ${model.layers} layers, ${model.dual ? "both views" : "AR view only"}`);
    describe("Weights", `${formatBytes(model.weightBytes)} in ${model.dtype}`);
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
      showStatus("Racing …");
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

/** Sets the activity and the status text, and enables the controls that it allows. */
function enter(next, text) {
  activity = next;
  showStatus(text);
  element("progress").hidden = next !== "loading";
  element("progress").value = 0;
  element("progress-text").textContent = "";
  const waiting = next === undefined;
  element("race").disabled = !waiting || !model?.hasTokenizer;
  element("stop").disabled = waiting;
  element("replay").disabled = !waiting || !race.canReplay;
  for (const id of ["folder", "dtype"]) {
    element(id).disabled = !waiting;
  }
}

function showStatus(text) {
  element("status").textContent = text;
}

/** Sets one line of the list under “What runs here”. */
function describe(label, text) {
  const list = element("machine");
  let line = [...list.children].find((child) => child.textContent === label);
  if (!line) {
    line = document.createElement("dt");
    line.textContent = label;
    list.append(line, document.createElement("dd"));
  }
  line.nextElementSibling.textContent = text;
}

function formatBytes(bytes) {
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
  if (activity === "replaying") {
    race.endReplay();
  } else {
    worker.postMessage({ type: "stop" });
    showStatus("Stopping …");
  }
});

element("replay").addEventListener("click", () => {
  enter("replaying", "In slow motion …");
  race.replay(() => enter(undefined, "Done."));
});

element("prompt").addEventListener("keydown", (event) => {
  // Enter sends and Shift+Enter starts a new line, as in chat programs.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!element("race").disabled) {
      element("form").requestSubmit();
    }
  }
});

element("folder").addEventListener("change", ({ target }) => {
  // Only files of the folder itself: `webkitRelativePath` lists its sub-folders too.
  const files = [...target.files].filter((file) => file.webkitRelativePath.split("/").length === 2);
  const wanted = files.filter((file) => /\.(json|jinja|safetensors)$/.test(file.name));
  const name = files[0]?.webkitRelativePath.split("/")[0] ?? "that folder";
  load({ name, files: wanted.map((file) => [file.name, file]) });
  // Without this, choosing the same folder again would fire no event.
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
