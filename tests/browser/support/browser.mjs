// Chromium, with an eye on all that it does: what it asks for, what it logs, what fails.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { STATUS_CODES } from "node:http";
import path from "node:path";

import { chromium } from "playwright-core";

/** How it is called, on one machine or another. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Long for a page of this machine: it is only reached when something is wrong. */
const PATIENCE_MS = 10_000;

const ARGS = [
  "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // No name is looked up: what is not on this machine is not there.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/**
 * Starts Chromium. A page that was left may be kept to be shown again as it was, which a person's
 * browser does and Playwright by itself does not.
 */
export function launch() {
  return chromium.launch({
    executablePath: binary(),
    args: ARGS,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    // It is shown pages of this machine alone; as root it does not start with one.
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

/** A window with nothing in it. `silent` fails when anything went wrong in it up to then. */
export async function openWindow(browser) {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  // Whether the page was kept from before, and is shown again as it was.
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

/** What Chromium logs of a page that it was refused: that it was is for the test to judge. */
function refusal(status, url) {
  const phrase = STATUS_CODES[status];
  const what = `the server responded with a status of ${status} (${phrase})`;
  return `Failed to load resource: ${what} at ${url}`;
}
