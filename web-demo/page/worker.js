// The engine's side of the page: the program, the GPU and a model, in a worker, so that the page stays responsive.
//
// It is told  {type: "load", source: {name, url} or {name, files: [[name, Blob], …]}, dtype}
//             {type: "race", prompt, options}
//             {type: "stop"}
// and tells   {type: "adapter", adapter}            what the GPU is
//             {type: "progress", what, done, total} of a download, the weights or a prompt
//             {type: "ready", model}                a model can race
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
    // A trap leaves the program in no state to go on; an error of the engine's says its kind.
    const kind = error.kind ?? (error instanceof WebAssembly.RuntimeError ? "crashed" : "unexpected");
    self.postMessage({ type: "failed", during: data.type, kind, message: error.message ?? String(error) });
  } finally {
    busy = false;
  }
};

async function load({ source, dtype }) {
  if (!navigator.gpu) {
    throw Object.assign(new Error("navigator.gpu is not there"), { kind: "no-webgpu" });
  }
  if (!engine) {
    await init();
    engine = await Engine.open();
    self.postMessage({ type: "adapter", adapter: { ...engine.adapter(), name: await nameOfGpu() } });
  }
  engine.check();
  const onto = (what) => throttled((done, total) => self.postMessage({ type: "progress", what, done, total }));
  const weights = onto("weights");
  const progress = (done, total) => {
    weights(done, total);
    return !stopping;
  };
  const model = source.url
    ? await Model.fromUrl(engine, source.name, source.url, dtype, onto("download"), progress)
    : await Model.fromFiles(engine, source.name, source.files, dtype, progress);
  const description = model.describe();
  const context = Math.min(CONTEXT, description.longestContext);
  const views = description.dual ? VIEWS : ["ar"];
  const lanes = {};
  for (const view of views) {
    lanes[view] = await model.lane(context);
  }
  // The one before stays until its successor is whole: a folder that is no checkpoint loses nothing.
  for (const lane of Object.values(loaded?.lanes ?? {})) {
    lane.free();
  }
  loaded?.model.free();
  loaded = { model, lanes, context };
  self.postMessage({ type: "ready", model: { ...description, context } });
}

/** As much of a name as the browser tells: many only say maker and architecture, which wgpu does not pass on. */
async function nameOfGpu() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const { description, device, vendor, architecture } = adapter?.info ?? {};
  return description || device || [vendor, architecture].filter(Boolean).join(" ") || "a GPU without a name";
}

/** Each view answers the same prompt, by turns: whose clock is behind goes next. */
async function race({ prompt, options }) {
  engine.check();
  const ids = loaded.model.encode(prompt);
  const runners = [];
  for (const [view, lane] of Object.entries(loaded.lanes)) {
    runners.push({ view, lane, clock: 0, over: false });
    const progress = throttled((done, total) =>
      self.postMessage({ type: "progress", what: "prompt", done, total }),
    );
    await lane.start(ids, { ...options, view }, progress);
    // The first token, which is the prompt's pass: clocks begin after it.
    await rest(runners.at(-1), 0);
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

/** Brings a view to rest: what is under way arrives. */
async function rest(runner, clock) {
  let run;
  while (!runner.over && (run = await runner.lane.nextUnderWay())) {
    tell(runner, run, typeof clock === "function" ? clock() : clock);
  }
}

function tell(runner, run, clock) {
  runner.over = !run || Boolean(run.finish);
  if (run) {
    self.postMessage({ type: "run", view: runner.view, run, clock });
  }
}

/** Calls at most every 100 ms, but for the first and the last. */
function throttled(call) {
  let last = -Infinity;
  return (done, total) => {
    const now = performance.now();
    if (done >= total || now - last >= 100) {
      last = now;
      call(done, total);
    }
  };
}
