// The engine's side of the page: the program, the GPU and a model, in a worker, so that the page stays responsive.
//
// It is told  {type: "load", source: {name, url} or {name, files: [[name, Blob], …]}, dtype}
//             {type: "race", prompt, options}
//             {type: "stop"}
// and tells   {type: "adapter", adapter}            what the GPU is
//             {type: "progress", what, done, total} of a download, the weights or a prompt
//             {type: "ready", model}                a model can race
//             {type: "unloaded"}                    the model before had to go, to make room
//             {type: "run", view, run, clock}       what became certain in a view, at that many ms of its own time
//             {type: "raced", stopped}              a race is over
//             {type: "failed", during, kind, message}

import init, { Engine, Model } from "./engine/orthrus_web.js";

/** How long a view has the GPU before the other's turn, in ms. */
const TURN = 50;

/** The longest text, prompt and answer together, where model and GPU allow it. */
const CONTEXT = 2048;

const VIEWS = ["ar", "dual"];

let engine;
let loaded;
let busy = false;
let stopping = false;

self.onmessage = async ({ data }) => {
  if (data.type === "stop") {
    stopping = true;
    // Ends a prompt that is being read, too.
    Object.values(loaded?.lanes ?? {}).forEach((lane) => lane.stop());
    return;
  }
  if (busy) {
    return;
  }
  busy = true;
  stopping = false;
  try {
    await { load, race }[data.type](data);
  } catch (error) {
    // An error of the engine's says its kind. A trap in a promise never comes here: the page hears of it as the worker's
    // error.
    const kind = error.kind ?? (error instanceof WebAssembly.RuntimeError ? "crashed" : "unexpected");
    if (kind === "cancelled" && data.type === "race") {
      self.postMessage({ type: "raced", stopped: true });
    } else {
      self.postMessage({ type: "failed", during: data.type, kind, message: error.message ?? String(error) });
    }
  } finally {
    busy = false;
  }
};

async function load(wanted) {
  try {
    await open(wanted);
  } catch (error) {
    if (error.kind !== "out-of-memory" || !loaded) {
      throw error;
    }
    // Not beside the one before, then: perhaps in its place.
    free(loaded);
    loaded = undefined;
    self.postMessage({ type: "unloaded" });
    await open(wanted);
  }
}

async function open({ source, dtype }) {
  if (!navigator.gpu) {
    throw Object.assign(new Error("navigator.gpu is not there"), { kind: "no-webgpu" });
  }
  if (!engine) {
    await init();
    engine = await Engine.open(await nameOfGpu());
    self.postMessage({ type: "adapter", adapter: engine.adapter() });
  }
  engine.check();
  const weights = progressOf("weights");
  const model = source.url
    ? await Model.fromUrl(engine, source.name, source.url, dtype, progressOf("download"), weights)
    : await Model.fromFiles(engine, source.name, source.files, dtype, weights);
  const successor = { model, lanes: {} };
  const description = model.describe();
  const context = Math.min(CONTEXT, description.longestContext);
  try {
    for (const view of description.dual ? VIEWS : ["ar"]) {
      successor.lanes[view] = await model.lane(context);
    }
  } catch (error) {
    free(successor);
    throw error;
  }
  // The one before stays until its successor is whole: a folder that is no checkpoint loses nothing.
  free(loaded);
  loaded = successor;
  self.postMessage({ type: "ready", model: { ...description, context } });
}

/** Gives the memory of a model back at once, the GPU's too. */
function free({ model, lanes } = { lanes: {} }) {
  for (const lane of Object.values(lanes)) {
    lane.free();
  }
  model?.free();
}

/** As much of a name as the browser tells: many only say maker and architecture, which wgpu does not pass on. */
async function nameOfGpu() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const { description, device, vendor, architecture } = adapter?.info ?? {};
  return description || device || [vendor, architecture].filter(Boolean).join(" ") || undefined;
}

/** Each view answers the same prompt, by turns: whose clock is behind goes next. */
async function race({ prompt, options }) {
  engine.check();
  const ids = loaded.model.encode(prompt);
  const runners = [];
  for (const [view, lane] of Object.entries(loaded.lanes)) {
    if (stopping) {
      break;
    }
    runners.push({ view, lane, clock: 0, over: false });
    await lane.start(ids, { ...options, view }, progressOf("prompt"));
    // The first token, which is the prompt's pass: clocks begin after it.
    await rest(runners.at(-1), () => 0);
  }
  while (!stopping) {
    const going = runners.filter((runner) => !runner.over);
    if (going.length === 0) {
      break;
    }
    await turn(going.reduce((one, other) => (other.clock < one.clock ? other : one)));
  }
  for (const { lane } of runners) {
    lane.stop();
  }
  engine.check();
  self.postMessage({ type: "raced", stopped: stopping });
}

/** A view has the GPU for a while, and leaves nothing on it. */
async function turn(runner) {
  const start = performance.now();
  const before = runner.clock;
  const now = () => before + performance.now() - start;
  while (!stopping && !runner.over && performance.now() - start < TURN) {
    tell(runner, await runner.lane.next(), now());
  }
  await rest(runner, now);
  runner.clock = now();
}

/** Brings a view to rest: what is under way arrives, each at what `clock` says then. */
async function rest(runner, clock) {
  let run;
  while (!runner.over && (run = await runner.lane.nextInFlight())) {
    tell(runner, run, clock());
  }
}

function tell(runner, run, clock) {
  runner.over = !run || Boolean(run.finish);
  if (run) {
    self.postMessage({ type: "run", view: runner.view, run, clock });
  }
}

/** Tells of progress, at most every 100 ms but for the end, and answers whether to go on. */
function progressOf(what) {
  let last = -Infinity;
  return (done, total) => {
    const now = performance.now();
    if (done === total || now - last >= 100) {
      last = now;
      self.postMessage({ type: "progress", what, done, total });
    }
    return !stopping;
  };
}
