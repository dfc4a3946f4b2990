// Users' checkpoints, and failures: each has its notice, and the loaded model stays usable.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import {
  ROOT,
  launch,
  notices,
  open,
  race,
  screenshot,
  serve,
  set,
  status,
  watchedPage,
  withoutWebGpu,
} from "./browser.mjs";

const GOLDEN = path.join(ROOT, "tests/golden");

let address;
let browser;
let folder;

before(async () => {
  address = await serve();
  browser = await launch();
  folder = mkdtempSync(path.join(tmpdir(), "orthrus-web-"));
});

after(() => rmSync(folder, { recursive: true }));

/** A copy of the bundled model, for a test to damage. */
function copyOfTiny(name) {
  const copy = path.join(folder, name);
  mkdirSync(copy);
  for (const file of ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"]) {
    cpSync(path.join(ROOT, "models/tiny", file), path.join(copy, file));
  }
  return copy;
}

/** Chooses a folder, and waits until it is loaded or refused. */
async function choose(page, checkpoint) {
  await page.evaluate(() => (document.getElementById("settings").open = true));
  await page.setInputFiles("#folder", checkpoint);
  await page.waitForFunction(
    () => /^(Ready|This checkpoint|Still loaded)/.test(document.getElementById("status").textContent),
  );
}

/** Runs `prologue` in the worker before the worker's own code. */
async function withWorker(page, prologue) {
  await page.context().route("**/worker.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: prologue + (await response.text()) });
  });
}

test("a user's folder is opened, in either number format", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  await choose(page, copyOfTiny("my-model"));
  assert.match(await page.textContent("#machine"), /my-model, 8 layers, both views.*in f16/);
  await set(page, { "max-new-tokens": 16 });
  assert.match((await race(page, "What is 12 + 30?")).verdict, /^Identical text/);
  await page.selectOption("#dtype", "f32");
  await status(page, /^Ready/);
  assert.match(await page.textContent("#machine"), /my-model, 8 layers, both views.*in f32/);
  assert.match((await race(page, "What is 12 + 30?")).verdict, /^Identical text/);
  assert.deepEqual(problems, []);
});

test("shards are opened, and a checkpoint without a tokenizer says what it lacks", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  await choose(page, path.join(GOLDEN, "bf16-sharded"));
  assert.equal(await page.textContent("#status"), "This checkpoint has no tokenizer.json, so it takes no text.");
  assert.ok(await page.isDisabled("#race"));
  assert.deepEqual(problems, []);
});

test("a broken checkpoint is refused by name, and the loaded model still answers", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  const broken = copyOfTiny("cut-off");
  truncateSync(path.join(broken, "model.safetensors"), 1_000_000);
  await choose(page, broken);
  assert.match(
    await notices(page),
    /^This is not a usable checkpoint cut-off\/model\.safetensors: tensor .* the file is truncated/,
  );
  assert.equal(await page.textContent("#status"), "Still loaded: the bundled model.");
  await screenshot(page, "7-broken-checkpoint");
  const empty = path.join(folder, "holiday-pictures");
  mkdirSync(empty);
  writeFileSync(path.join(empty, "notes.json"), "{}");
  await choose(page, empty);
  assert.match(await notices(page), /holiday-pictures: expected the file config\.json/);
  await set(page, { "max-new-tokens": 16 });
  assert.match((await race(page, "What is 12 + 30?")).verdict, /^Identical text/);
  assert.equal(await notices(page), undefined);
  assert.deepEqual(problems, []);
});

test("a tokenizer that crashes its library gives a notice, and a click starts again", async () => {
  const { page } = await watchedPage(browser, address);
  await open(page, address);
  const bad = copyOfTiny("bad-tokenizer");
  const tokenizer = JSON.parse(readFileSync(path.join(bad, "tokenizer.json"), "utf8"));
  // The tokenizers library panics on this value, which ends a WebAssembly program.
  tokenizer.normalizer = { type: "Precompiled", precompiled_charsmap: "!!" };
  writeFileSync(path.join(bad, "tokenizer.json"), JSON.stringify(tokenizer));
  await page.setInputFiles("#folder", bad);
  await page.waitForSelector("#notice", { state: "visible" });
  assert.match(await notices(page), /^The engine crashed/);
  assert.ok(await page.isDisabled("#race"));
  await page.click("#notice-action");
  await status(page, /^Ready/);
  await set(page, { "max-new-tokens": 16 });
  assert.match((await race(page, "What is 12 + 30?")).verdict, /^Identical text/);
});

test("a model's memory is freed when another one replaces it or fails to load", async () => {
  const { page } = await watchedPage(browser, address);
  await withWorker(
    page,
    `{
      self.liveBytes = 0;
      const { createBuffer } = GPUDevice.prototype, { destroy } = GPUBuffer.prototype;
      const live = new Set();
      GPUDevice.prototype.createBuffer = function (descriptor) {
        const buffer = createBuffer.call(this, descriptor);
        live.add(buffer);
        self.liveBytes += buffer.size;
        return buffer;
      };
      GPUBuffer.prototype.destroy = function () {
        self.liveBytes -= live.delete(this) ? this.size : 0;
        return destroy.call(this);
      };
    }\n`,
  );
  await open(page, address);
  const live = () => page.workers()[0].evaluate(() => self.liveBytes);
  const before = await live();
  assert.ok(before > 16 * 2 ** 20, `${before}`);
  await set(page, { "max-new-tokens": 16 });
  await race(page, "What is 12 + 30?");
  await choose(page, copyOfTiny("the-same-again"));
  assert.equal(await live(), before);
  // A NaN in the last weight of the file is found only after other weights are on the GPU.
  const damaged = copyOfTiny("not-a-number");
  const weights = readFileSync(path.join(damaged, "model.safetensors"));
  weights.fill(0xff, weights.length - 2);
  writeFileSync(path.join(damaged, "model.safetensors"), weights);
  await choose(page, damaged);
  assert.match(await notices(page), /holds NaN .* the checkpoint is damaged/);
  assert.equal(await live(), before);
});

test("a model beyond the GPU's limits is refused before any weight is read", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  const huge = path.join(folder, "huge");
  mkdirSync(huge);
  // One layer and 5 million ids, whose logits exceed a binding of 1 GiB. The file is sparse.
  const [vocabulary, hidden, dim] = [5_000_000, 32, 16];
  const config = { ...JSON.parse(readFileSync(path.join(GOLDEN, "tied-gqa/config.json"))), block_size: 64 };
  Object.assign(config, {
    vocab_size: vocabulary, hidden_size: hidden, num_hidden_layers: 1, num_attention_heads: 2,
    num_key_value_heads: 1, head_dim: dim, intermediate_size: 32, tie_word_embeddings: true,
    mask_token_id: 319, layer_types: undefined,
  });
  writeFileSync(path.join(huge, "config.json"), JSON.stringify(config));
  const header = {};
  let end = 0;
  const add = (name, ...shape) => {
    const begin = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    header[`model.${name}.weight`] = { dtype: "BF16", shape, data_offsets: [begin, end] };
  };
  add("embed_tokens", vocabulary, hidden);
  for (const view of ["", "_diff"]) {
    add(`layers.0.self_attn.q_proj${view}`, 2 * dim, hidden);
    add(`layers.0.self_attn.k_proj${view}`, dim, hidden);
    add(`layers.0.self_attn.v_proj${view}`, dim, hidden);
    add(`layers.0.self_attn.o_proj${view}`, hidden, 2 * dim);
    add(`layers.0.self_attn.q_norm${view}`, dim);
    add(`layers.0.self_attn.k_norm${view}`, dim);
  }
  add("layers.0.mlp.gate_proj", 32, hidden);
  add("layers.0.mlp.up_proj", 32, hidden);
  add("layers.0.mlp.down_proj", hidden, 32);
  add("layers.0.input_layernorm", hidden);
  add("layers.0.post_attention_layernorm", hidden);
  add("norm", hidden);
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path.join(huge, "model.safetensors"), Buffer.concat([length, json]));
  truncateSync(path.join(huge, "model.safetensors"), 8 + json.length + end);
  await choose(page, huge);
  assert.match(
    await notices(page),
    /^This GPU's limits are too small for this model a session of one position needs 1280000000 bytes/,
  );
  await screenshot(page, "8-too-large");
  assert.deepEqual(problems, []);
});

test("a browser without WebGPU gives a notice", async () => {
  const { page } = await watchedPage(browser, address);
  await withWorker(page, 'Object.defineProperty(navigator, "gpu", { value: undefined });\n');
  await page.goto(address);
  await page.waitForSelector("#notice", { state: "visible" });
  assert.match(await notices(page), /^This browser has no WebGPU/);
  assert.ok(await page.isDisabled("#race"));
  await screenshot(page, "9-no-webgpu");
});

test("a browser without a GPU gives a notice", async () => {
  const { page } = await watchedPage(await launch(withoutWebGpu), address);
  await page.goto(address);
  await page.waitForSelector("#notice", { state: "visible" });
  assert.match(await notices(page), /^(The browser offers no suitable GPU|This browser has no WebGPU)/);
});

test("a GPU out of memory is distinguished from one that failed", async () => {
  const { page } = await watchedPage(browser, address);
  await withWorker(
    page,
    `{
      const push = GPUDevice.prototype.pushErrorScope, pop = GPUDevice.prototype.popErrorScope;
      const filters = [];
      GPUDevice.prototype.pushErrorScope = function (filter) { filters.push(filter); return push.call(this, filter); };
      GPUDevice.prototype.popErrorScope = async function () {
        const filter = filters.pop();
        const found = await pop.call(this);
        return filter === "out-of-memory" ? new GPUOutOfMemoryError("") : found;
      };
    }\n`,
  );
  await page.goto(address);
  await page.waitForSelector("#notice", { state: "visible" });
  assert.match(await notices(page), /^The GPU is out of memory .* is out of memory/);
  await screenshot(page, "10-out-of-memory");
});

test("a lost GPU gives a notice, and a click starts again", async () => {
  const alone = await launch();
  const { page } = await watchedPage(alone, address);
  await open(page, address);
  await set(page, { "max-new-tokens": 400 });
  await page.click("#race");
  await page.waitForFunction(() => document.querySelectorAll("#dual .run").length > 2);
  const session = await alone.newBrowserCDPSession();
  await session.send("Browser.crashGpuProcess");
  await page.waitForSelector("#notice", { state: "visible" });
  assert.match(await notices(page), /^The GPU was lost/);
  await screenshot(page, "11-lost");
  await page.click("#notice-action");
  await status(page, /^Ready/);
  await set(page, { "max-new-tokens": 16 });
  assert.match((await race(page, "What is 12 + 30?")).verdict, /^Identical text/);
});
