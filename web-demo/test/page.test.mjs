// The page as people use it: races, settings, stopping, a phone, its download size and its speed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { pbkdf2 } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { launch, open, outcome, race, screenshot, serve, set, status, watchedPage } from "./browser.mjs";

const { env } = process;
const SITE = path.join(env.ORTHRUS_SITE_ROOT, env.ORTHRUS_SITE_PATH);

/** Few tokens, because the software GPU gives about ten a second. */
const BUDGET = 48;

let address;
let browser;

before(async () => {
  address = await serve();
  browser = await launch();
});

/** The native program's answer to a prompt. */
function native(prompt, ...options) {
  const given = ["generate", "--prompt", prompt, "--max-new-tokens", String(BUDGET), "--json", ...options];
  return JSON.parse(execFileSync(env.ORTHRUS, given, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

/** Counts visible rejected drafts in `window.struck`, from zero. An observer, because polling would miss some. */
async function watchStruck(page) {
  await page.evaluate(() => {
    window.struck = 0;
    window.observed?.disconnect();
    window.observed = new MutationObserver((changes) => {
      const added = changes.flatMap((change) => [...change.addedNodes]);
      window.struck += added.filter((node) => node.matches?.("s") && node.getClientRects().length > 0).length;
    });
    window.observed.observe(document.querySelector("#dual .text"), { childList: true });
  });
}

test("the page and its program are at most 2 MiB to download, without the model", () => {
  const files = readdirSync(SITE, { recursive: true })
    .filter((file) => !file.startsWith("model") && statSync(path.join(SITE, file)).isFile())
    .map((file) => [file, gzipSync(readFileSync(path.join(SITE, file)), { level: 9 }).length]);
  const total = files.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(`compressed: ${(total / 2 ** 20).toFixed(2)} MiB in ${files.length} files`);
  assert.ok(files.some(([file]) => file.endsWith(".wasm")) && total <= 2 * 2 ** 20, JSON.stringify(files));
});

test("the page allows itself nothing but its own files", async () => {
  const { page } = await watchedPage(browser, address);
  const response = await page.goto(address);
  assert.match(response.headers()["content-type"], /^text\/html/);
  const policy = response.headers()["content-security-policy"];
  // The page repeats the header for hosts that send none. A `meta` element cannot set `frame-ancestors`.
  const own = await page.getAttribute('meta[http-equiv="Content-Security-Policy"]', "content");
  assert.equal(policy, `${own}; frame-ancestors 'none'`);
  const sources = new Set(policy.split("; ").flatMap((directive) => directive.split(" ").slice(1)));
  assert.deepEqual([...sources].sort(), ["'none'", "'self'", "'wasm-unsafe-eval'"]);
  const refused = await page.evaluate(() => fetch("https://example.org/").then(() => "fetched", () => "refused"));
  assert.equal(refused, "refused");
  // The page is still loading: close it, so that it does not slow the next test.
  await page.context().close();
});

const derive = promisify(pbkdf2);

/** The `pace` in ms of a machine that must give the first token in five seconds. */
const PACE = 120;

/** The machine's speed now: the least time in ms that two processor cores take to derive two keys. */
async function pace() {
  const times = [];
  while (times.length < 3) {
    const start = performance.now();
    await Promise.all(["one", "other"].map((password) => derive(password, "salt", 300_000, 64, "sha512")));
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

test("the first token comes within five seconds of loading the page", async () => {
  // Other work on the machine can only slow the page down, so one success in five attempts is enough. The time allowed
  // grows with `pace`, for machines that are slow or shared.
  const times = [];
  const allowed = [];
  while (times.length < 5 && !times.some((time, attempt) => time < allowed[attempt])) {
    allowed.push(5000 * Math.max(1, (await pace()) / PACE));
    const { page, problems } = await watchedPage(await launch(), address);
    await page.goto(address);
    // Clicks as soon as the button is enabled.
    await page.evaluate(async () => {
      const button = document.getElementById("race");
      while (button.disabled) {
        await new Promise(requestAnimationFrame);
      }
      button.click();
    });
    await page.waitForFunction(() => performance.getEntriesByName("first token").length > 0);
    times.push(await page.evaluate(() => performance.getEntriesByName("first token")[0].startTime));
    assert.deepEqual(problems, []);
    await page.context().browser().close();
  }
  const seconds = (all) => all.map((ms) => `${(ms / 1000).toFixed(2)} s`).join(", ");
  console.log(`first token after ${seconds(times)}; allowed ${seconds(allowed)}`);
  assert.ok(times.some((time, attempt) => time < allowed[attempt]));
});

/**
 * Races an example of the family, and returns the outcome of a race in which no task of the page took over 50 ms. Other
 * work on the machine can only make tasks longer, so one success in three attempts is enough.
 */
async function quietRace(page, family) {
  for (let attempt = 1; ; attempt += 1) {
    const start = await page.evaluate(() => performance.now());
    await page.click(`#examples button:text-is("${family}")`);
    const prompt = await page.inputValue("#prompt");
    const raced = { prompt, ...(await race(page, prompt)) };
    const tasks = await page.evaluate(() => window.watched.longTasks);
    const late = tasks.filter(({ startTime, duration }) => startTime > start && duration > 50);
    if (late.length === 0) {
      return raced;
    }
    assert.ok(attempt < 3, `tasks over 50 ms: ${JSON.stringify(late)}`);
  }
}

test("races of three families end in one text, the native program's", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await page.addInitScript(() => {
    window.watched = { longTasks: [], shift: 0 };
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        window.watched.longTasks.push({ startTime, duration });
      }
    }).observe({ type: "longtask", buffered: true });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        window.watched.shift += entry.value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await open(page, address);
  assert.match(await page.innerText("#machine"), /GPU\s+google swiftshader \(software: correct, and slow\)\s.*tier baseline/s);
  await screenshot(page, "1-ready");
  await set(page, { "max-new-tokens": BUDGET });
  await page.evaluate(async () => {
    // Opening the settings moves the content below them. This shift is not the one under test.
    await new Promise((resolve) => setTimeout(resolve, 200));
    window.watched.shift = 0;
  });
  const passes = {};
  for (const family of ["arithmetic", "json", "stories"]) {
    const { prompt, ar, dual, histogram, verdict } = await quietRace(page, family);
    const expected = native(prompt);
    assert.equal(ar.text, expected.text, family);
    assert.equal(dual.text, expected.text, family);
    const [tokens, characters] = [expected.output_ids.length, [...expected.text].length];
    assert.match(verdict, new RegExp(`^Identical text: all ${tokens} tokens and ${characters} characters`));
    assert.deepEqual([ar.tokens, ar.passes, dual.tokens], [tokens, tokens, tokens]);
    // The same cycles as on the desktop: a broken diffusion view gives the same text in more passes.
    assert.equal(dual.passes, expected.stats.forward_passes);
    const counted = histogram.flatMap((title, length) => {
      const cycles = Number(/: (\d+) cycle/.exec(title)?.[1] ?? 0);
      return new Array(cycles).fill(length);
    });
    assert.deepEqual(counted, [...expected.stats.acceptance_lengths].sort((one, other) => one - other));
    assert.ok(ar.speed > 0 && dual.speed > 0);
    passes[family] = dual.passes;
    if (family === "stories") {
      await screenshot(page, "3-stories-done");
    }
  }
  assert.ok(passes.arithmetic < passes.stories / 2, JSON.stringify(passes));
  const shift = await page.evaluate(() => window.watched.shift);
  assert.equal(shift, 0, "the layout moved while texts came");
  assert.deepEqual(problems, []);
});

test("rejected drafts are shown struck out, and again in slow motion", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  await set(page, { "max-new-tokens": BUDGET });
  await page.fill("#prompt", "Write a bedtime story about a penguin by the frozen lake.");
  await watchStruck(page);
  await page.click("#race");
  await page.waitForFunction(() => window.struck > 0);
  await screenshot(page, "2-racing");
  await status(page, /^Done/);
  const first = await outcome(page);
  const tints = await page.$$eval("#dual .run", (runs) => runs.map((run) => [run.className, run.title]));
  assert.ok(tints.filter(([name]) => name.includes("tint-")).length > 5, JSON.stringify(tints));
  assert.match(tints[1][1], /^cycle 1: \d+ of 31 drafts accepted$/);

  await watchStruck(page);
  await page.click("#replay");
  assert.match(await page.textContent("#status"), /slow motion/);
  await status(page, /^Done/);
  assert.deepEqual(await outcome(page), first);
  const struck = await page.evaluate(() => window.struck);
  assert.ok(struck > 0 && struck < first.dual.passes, `${struck} of ${first.dual.passes} passes`);
  // Stopping the replay shows the rest at once.
  await page.click("#replay");
  await page.click("#stop");
  await status(page, /^Done/);
  assert.deepEqual(await outcome(page), first);
  assert.deepEqual(problems, []);
});

test("a race can be stopped, and the next one is whole", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  await set(page, { "max-new-tokens": 400 });
  await page.fill("#prompt", "Write a bedtime story about a penguin by the frozen lake.");
  await page.click("#race");
  await page.waitForFunction(() => document.querySelectorAll("#dual .run").length > 2);
  assert.ok(await page.isDisabled("#race"));
  await page.click("#stop");
  await status(page, /^Stopped/);
  const stopped = await outcome(page);
  assert.match(stopped.verdict, /^Stopped. Identical as far as both had come: \d+ tokens/);
  assert.ok(stopped.dual.tokens < 200);
  await screenshot(page, "4-stopped");
  await set(page, { "max-new-tokens": 24 });
  const { verdict } = await race(page, "What is 12 + 30?");
  assert.match(verdict, /^Identical text/);

  // A race can also be stopped during the prefill. The software GPU takes a minute for this prompt.
  await page.fill("#prompt", "What is 4728 + 1956? ".repeat(80));
  await page.click("#race");
  await page.waitForFunction(() => /^Reading/.test(document.getElementById("progress-text").textContent));
  const asked = Date.now();
  await page.click("#stop");
  await status(page, /^Stopped/);
  assert.ok(Date.now() - asked < 40_000, `${Date.now() - asked} ms`);
  assert.match((await outcome(page)).verdict, /^Stopped/);
  assert.match((await race(page, "What is 12 + 30?")).verdict, /^Identical text/);
  assert.deepEqual(problems, []);
});

test("sampling: one seed gives one text in both views, another seed another", async () => {
  const { page, problems } = await watchedPage(browser, address);
  await open(page, address);
  const prompt = "Write a bedtime story about a penguin by the frozen lake.";
  const texts = [];
  for (const seed of [3, 3, 4]) {
    await set(page, { "max-new-tokens": 32, temperature: 1.0, seed, "block-size": 8 });
    const { ar, dual, verdict, histogram } = await race(page, prompt);
    assert.match(verdict, /^Identical text/);
    assert.equal(ar.text, dual.text);
    assert.equal(histogram.length, 8);
    texts.push(dual.text);
  }
  assert.equal(texts[0], texts[1]);
  assert.notEqual(texts[0], texts[2]);
  assert.equal(await page.textContent("#temperature-shown"), "1");
  await screenshot(page, "5-settings");
  assert.deepEqual(problems, []);
});

test("it can be used by keyboard alone, on a phone and in the dark", async () => {
  const { page, problems } = await watchedPage(browser, address, {
    viewport: { width: 360, height: 740 },
    colorScheme: "dark",
    hasTouch: true,
  });
  await open(page, address);
  await set(page, { "max-new-tokens": 24 });
  await page.evaluate(() => document.activeElement.blur());
  const reached = [];
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent));
  }
  for (const control of ["prompt", "arithmetic", "race", "block-size", "temperature", "seed", "dtype", "folder"]) {
    assert.ok(reached.includes(control), `${control} among ${reached}`);
  }
  await page.focus("#prompt");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("What is 12 + 30?");
  await page.keyboard.press("Enter");
  await status(page, /^Done/);
  assert.match((await outcome(page)).verdict, /^Identical text/);
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${content} wide in ${window}`);
  await screenshot(page, "6-phone-dark");
  assert.deepEqual(problems, []);
});
