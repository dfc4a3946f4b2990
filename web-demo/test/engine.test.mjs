// The engine in a browser, without the page: the goldens, and Chrome's compiler on every kernel.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { ROOT, launch, serve, watchedPage } from "./browser.mjs";

const GOLDEN = path.join(ROOT, "tests/golden");

let page;
let problems;

before(async () => {
  const address = await serve();
  ({ page, problems } = await watchedPage(await launch(), address));
  await page.context().route("**/golden/**", (route) => {
    const [, file] = new URL(route.request().url()).pathname.split("/golden/");
    return route.fulfill({ path: path.join(GOLDEN, file) });
  });
  // Any file of the site will do, except the page: it would load a model.
  await page.goto(new URL("model/config.json", address).href);
});

for (const name of ["tied-gqa", "untied-wide-head", "bf16-sharded"]) {
  test(`ids and acceptance lengths are the official implementation's: ${name}`, async () => {
    const golden = JSON.parse(readFileSync(path.join(GOLDEN, name, "golden.json"), "utf8"));
    const files = readdirSync(path.join(GOLDEN, name)).filter((file) => !file.startsWith("golden."));
    const found = await page.evaluate(
      async ({ name, files, golden }) => {
        const { default: init, Engine, Model } = await import("../engine/orthrus_web.js");
        await init();
        const engine = await Engine.open();
        const fetched = files.map(async (file) => {
          const response = await fetch(`../golden/${name}/${file}`);
          return [file, new Uint8Array(await response.arrayBuffer())];
        });
        const model = await Model.fromFiles(engine, name, await Promise.all(fetched), "f32", () => true);
        const lane = await model.lane(256);
        const answers = {};
        for (const [run, { max_new_tokens, eos_token_id }] of Object.entries(golden.runs)) {
          for (const view of ["dual", "ar"]) {
            const options = { view, maxNewTokens: max_new_tokens, endIds: [eos_token_id], temperature: 0 };
            await lane.start(new Uint32Array(golden.prompt_ids), options, () => {});
            const answer = { ids: [], lengths: [], passes: 0 };
            for (let found; (found = await lane.next()); ) {
              answer.ids.push(...found.ids);
              answer.passes = found.stats.forwardPasses;
              if (found.cycle) {
                answer.lengths.push(found.cycle.acceptanceLength);
              }
            }
            (answers[run] ??= {})[view] = answer;
          }
        }
        return answers;
      },
      { name, files, golden },
    );
    assert.ok(Object.keys(golden.runs).length > 0);
    for (const [run, { new_ids, accept_lens, n_forward }] of Object.entries(golden.runs)) {
      assert.deepEqual(found[run].dual, { ids: new_ids, lengths: accept_lens, passes: n_forward }, run);
      assert.deepEqual(found[run].ar.ids, new_ids, run);
    }
    assert.deepEqual(problems, []);
  });
}

test("every kernel of tier baseline is accepted by Chrome's compiler", async () => {
  const folder = process.env.ORTHRUS_KERNELS;
  const kernels = readdirSync(folder).map((file) => [file, readFileSync(path.join(folder, file), "utf8")]);
  assert.ok(kernels.length > 50, `${kernels.length} kernels`);
  const refused = await page.evaluate(async (kernels) => {
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter.requestDevice();
    const refused = [];
    for (const [file, code] of kernels) {
      device.pushErrorScope("validation");
      const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
      await device.popErrorScope();
      refused.push(...messages.map(({ type, lineNum, message }) => `${file}:${lineNum}: ${type}: ${message}`));
    }
    return refused;
  }, kernels);
  assert.deepEqual(refused, []);
});
