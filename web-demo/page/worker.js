// The worker: runs the engine, so that the page stays responsive.
//
// Messages from the page:
//   {type: "load", source: {name, url} or {name, files: [[name, Blob], …]}, dtype}
//   {type: "race", prompt, options}
//   {type: "stop"}
// Messages to the page:
//   {type: "adapter", adapter}             the GPU in use
//   {type: "progress", what, done, total}  what: "download", "weights" or "prompt"
//   {type: "unloaded"}                     the loaded model was freed, to make room for the next
//   {type: "ready", model}                 a model is loaded
//   {type: "run", view, run, clock}        a run of a view, at `clock` ms of the view's own time
//   {type: "raced", stopped}               a race is over
//   {type: "failed", during, kind, message}

import init, { Engine, Model } from "./engine/orthrus_web.js";

/** How long a view has the GPU before the other view's turn. */
const TURN_MS = 50;

/** Tokens of prompt and answer together, if model and GPU allow so many. */
const CONTEXT = 2048;

const VIEWS = ["ar", "dual"];

let engine;
let loaded;
let busy = false;
let stopping = false;

self.onmessage = async ({ data }) => {
  if (data.type === "stop") {
    stopping = true;
    // Stopping a lane also ends its prefill.
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
    // Errors of the engine have a kind. A trap inside a promise never arrives here: the page's `onerror` gets it.
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
    // Two models do not fit the GPU: free the loaded one, and try again.
    free(loaded);
    loaded = undefined;
    self.postMessage({ type: "unloaded" });
    await open(wanted);
  }
}

async function open({ source, dtype }) {
  if (!navigator.gpu) {
    throw Object.assign(new Error("navigator.gpu is undefined"), { kind: "no-webgpu" });
  }
  if (!engine) {
    await init();
    engine = await Engine.open(await gpuName());
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
  // The old model stays until its successor is complete, so that a broken checkpoint loses nothing.
  free(loaded);
  loaded = successor;
  self.postMessage({ type: "ready", model: { ...description, context } });
}

/** Frees a model's memory at once, GPU memory included. */
function free({ model, lanes } = { lanes: {} }) {
  for (const lane of Object.values(lanes)) {
    lane.free();
  }
  model?.free();
}

/** The GPU's name as far as the browser tells it. Vendor and architecture are missing from wgpu's report. */
async function gpuName() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const { description, device, vendor, architecture } = adapter?.info ?? {};
  return description || device || [vendor, architecture].filter(Boolean).join(" ") || undefined;
}

/** Both views answer one prompt by turns. The view whose clock is behind goes next. */
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
    // Clocks start after the first token, which comes from the prefill.
    await drain(runners.at(-1), () => 0);
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

/** Gives a view the GPU for one turn, and leaves no cycle in flight. */
async function turn(runner) {
  const start = performance.now();
  const before = runner.clock;
  const now = () => before + performance.now() - start;
  while (!stopping && !runner.over && performance.now() - start < TURN_MS) {
    post(runner, await runner.lane.next(), now());
  }
  await drain(runner, now);
  runner.clock = now();
}

/** Waits for the cycles in flight of a view. Posts each run with the time that `clock` then shows. */
async function drain(runner, clock) {
  let run;
  while (!runner.over && (run = await runner.lane.nextInFlight())) {
    post(runner, run, clock());
  }
}

function post(runner, run, clock) {
  runner.over = !run || Boolean(run.finish);
  if (run) {
    self.postMessage({ type: "run", view: runner.view, run, clock });
  }
}

/** A progress callback. Posts at most every 100 ms, but always the end. Returns false to stop the work. */
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
