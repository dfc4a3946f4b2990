// Shared by the tests: the server, browsers with a software GPU, and pages whose problems are recorded.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const { env } = process;

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** How long a test waits, in ms. On an idle machine each wait takes a few seconds. */
const TIMEOUT_MS = 180_000;

/** Chrome's own software GPU, and no connections of Chrome's own. */
const FLAGS = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Closes what the tests of a file opened, after all of them. */
const opened = [];
after(() => Promise.all(opened.map((close) => close())));

/** Serves the site until the tests of the file are over. Returns the page's address. */
export async function serve() {
  const server = spawn(env.ORTHRUS_SITE, ["serve", env.ORTHRUS_SITE_ROOT, "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  opened.push(() => server.kill());
  const origin = await new Promise((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(String(line).trim()));
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return new URL(`${env.ORTHRUS_SITE_PATH}/`, origin).href;
}

/** Launches a browser. */
export async function launch(flags = FLAGS) {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const installed = env.ORTHRUS_CHROMIUM ? { executablePath: env.ORTHRUS_CHROMIUM } : { channel: "chrome" };
  const browser = await chromium.launch({ ...installed, headless: true, args: [...sandbox, ...flags] });
  opened.push(() => browser.close());
  return browser;
}

export const withoutWebGpu = FLAGS.filter((flag) => !/webgpu/.test(flag));

/** A page, and its `problems`: errors, warnings, uncaught exceptions, foreign requests, wrong media types. */
export async function watchedPage(browser, origin, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      problems.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(origin).origin) {
      problems.push(`request to ${request.url()}`);
    }
  });
  page.on("response", (response) => {
    const type = response.headers()["content-type"];
    const expected = { js: "text/javascript", css: "text/css", wasm: "application/wasm", html: "text/html" };
    const extension = path.extname(new URL(response.url()).pathname).slice(1);
    if (response.status() >= 400) {
      problems.push(`${response.status()} for ${response.url()}`);
    } else if (expected[extension] && !type.startsWith(expected[extension])) {
      problems.push(`${response.url()} is ${type}`);
    }
  });
  return { page, problems };
}

/** Waits until the page's status matches `pattern`, and returns it. Throws if a notice is shown. */
export async function status(page, pattern) {
  await page.waitForFunction(
    (source) =>
      new RegExp(source).test(document.getElementById("status").textContent) ||
      !document.getElementById("notice").hidden,
    pattern.source,
    { timeout: TIMEOUT_MS },
  );
  const [text, notice] = [await page.textContent("#status"), await notices(page)];
  if (notice) {
    throw new Error(`notice: ${notice}`);
  }
  return text;
}

/** The notice's text, or undefined if none is shown. */
export async function notices(page) {
  return (await page.isHidden("#notice")) ? undefined : (await page.innerText("#notice")).replace(/\s+/g, " ");
}

/** Opens the page and waits for its model. */
export async function open(page, address) {
  await page.goto(address);
  await status(page, /^Ready/);
}

/** Sets controls, given by id. */
export async function set(page, settings) {
  await page.evaluate((values) => {
    document.getElementById("settings").open = true;
    for (const [id, value] of Object.entries(values)) {
      const control = document.getElementById(id);
      control.value = value;
      control.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }, settings);
}

/** Races a prompt to its end, and returns the outcome. */
export async function race(page, prompt) {
  await page.fill("#prompt", prompt);
  await page.click("#race");
  await status(page, /^Done/);
  return outcome(page);
}

/** Both panes' texts and counters, the histogram's titles, and the verdict. */
export async function outcome(page) {
  // Rejected drafts are part of the text until they disappear.
  await page.waitForSelector("#dual .text s", { state: "detached" });
  return page.evaluate(() => {
    const pane = (id) => ({
      text: document.querySelector(`#${id} .text`).textContent,
      ...Object.fromEntries(
        [...document.querySelectorAll(`#${id} [data-counter]`)].map((counter) => [
          counter.dataset.counter,
          Number(counter.textContent),
        ]),
      ),
    });
    const histogram = [...document.querySelectorAll("#histogram span")].map((bar) => bar.title);
    return { ar: pane("ar"), dual: pane("dual"), histogram, verdict: document.getElementById("verdict").textContent };
  });
}

/** Writes a screenshot to target/web-test/screenshots. */
export async function screenshot(page, name) {
  mkdirSync(env.ORTHRUS_SCREENSHOTS, { recursive: true });
  const take = () => page.screenshot({ path: path.join(env.ORTHRUS_SCREENSHOTS, `${name}.png`), fullPage: true });
  // The GPU process draws the page too. A screenshot fails while that process crashes, and a page can learn of the
  // crash before the browser does. The second attempt succeeds.
  await take().catch((error) => {
    if (!error.message.includes("Unable to capture screenshot")) {
      throw error;
    }
    return take();
  });
}
