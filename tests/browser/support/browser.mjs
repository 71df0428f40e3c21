// Chromium, with checks of everything that it requests, logs and throws.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { STATUS_CODES } from "node:http";
import path from "node:path";

import { chromium } from "playwright-core";

/** Its names on different systems. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Long for a local page: it is only reached if something is wrong. */
const PATIENCE_MS = 10_000;

const ARGS = [
  "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // No DNS: only this machine is reachable.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/**
 * Starts Chromium with the back/forward cache, which normal browsers have and Playwright disables.
 */
export function launch() {
  return chromium.launch({
    executablePath: binary(),
    args: ARGS,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    // It loads only pages of this machine; as root it does not start with a sandbox.
    chromiumSandbox: false,
  });
}

function binary() {
  const named = process.env.CHROMIUM_BIN;
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const known = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const found = (named ? [named] : known).find(isProgram);
  if (found) return found;
  const lacks = named ? `CHROMIUM_BIN names ${named}, which is no program` : "Chromium is missing";
  throw new Error(`${lacks}: install it (on Debian: apt-get install chromium), or name a binary ` +
    "by CHROMIUM_BIN");
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Opens an empty window. `silent` fails if anything went wrong in it so far. */
export async function openWindow(browser) {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  // Whether the page was restored from the back/forward cache.
  await context.addInitScript(() => {
    addEventListener("pageshow", ({ persisted }) => {
      globalThis.isRestored = persisted;
    });
  });
  const page = await context.newPage();
  const [wrong, logged, answers] = [[], [], new Set()];
  context.on("request", (request) => {
    if (new URL(request.url()).hostname !== "127.0.0.1") wrong.push(`asked ${request.url()}`);
  });
  context.on("response", (response) => {
    const url = response.url();
    const isPage = response.request().isNavigationRequest() || /\.data(\?|$)/.test(url);
    if (isPage) answers.add(refusal(response.status(), url));
  });
  page.on("pageerror", (error) => wrong.push(`threw ${error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      const [url] = message.location().url.split("#");
      logged.push(`${message.text()} at ${url}`);
    }
  });
  return {
    context,
    page,
    silent: () => assert.deepEqual([...wrong, ...logged.filter((it) => !answers.has(it))], []),
    close: () => context.close(),
  };
}

/** Chromium logs failed page loads; the tests check those themselves. */
function refusal(status, url) {
  const phrase = STATUS_CODES[status];
  const what = `the server responded with a status of ${status} (${phrase})`;
  return `Failed to load resource: ${what} at ${url}`;
}
