// The visual rules for every page, light and dark, on a wide and a narrow screen: no axe
// violations, no horizontal scrolling, and a screenshot. Every control is reached with the
// keyboard.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { TARGET } from "../../workerd/support/local-clerk.mjs";
import { walkByKeyboard } from "./keyboard.mjs";

const { source: AXE } = createRequire(import.meta.url)("axe-core");

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const SCHEMES = ["light", "dark"];

/** In CSS pixels; the narrow one is a small phone. */
const WIDTHS = [1280, 360];

const HEIGHT = 800;

/** Returns the folder of an app's screenshots. */
const folderOf = (app) => path.join(TARGET, "browser", app);

/** Removes the screenshots of an earlier run. */
export function clearPictures(app) {
  rmSync(folderOf(app), { recursive: true, force: true });
}

/** Loads the page again, checks it, and leaves it wide and light. */
export async function inspect(page, app, state) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    // The keyboard walk starts at the top of the page, not where the skip link has led.
    await page.goto(page.url().split("#")[0]);
    await walkByKeyboard(page, { hasSkipLink: state !== "clerk" });
  }
  await look(page, app, state);
}

/** The same without the keyboard, for pages that cannot be reloaded. */
export async function look(page, app, state) {
  await page.evaluate(AXE);
  // After the keyboard walk the skip link may be shown, and covers what is below it.
  await page.evaluate(() => document.activeElement?.blur());
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      const name = `${state}-${colorScheme}-${width}`;
      await page.setViewportSize({ width, height: HEIGHT });
      assert.deepEqual(await faults(page), [], name);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name}: ${wide} px wide`);
      const file = path.join(folderOf(app), `${name}.png`);
      await page.screenshot({ path: file, fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: SCHEMES[0] });
  await page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
}

/** Returns axe's violations, each as its rule and the first element. */
function faults(page) {
  return page.evaluate(async (values) => {
    const how = { runOnly: { type: "tag", values }, preload: false, resultTypes: ["violations"] };
    const { violations } = await globalThis.axe.run(document, how);
    return violations.map(({ id, nodes: [{ html, failureSummary }] }) =>
      `${id}: ${html} ${failureSummary}`);
  }, RULES);
}
