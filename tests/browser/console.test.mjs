// The console in a browser: each page, and a whole night by mouse and by keyboard alone.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "../workerd/support/clerk.mjs";
import { waitFor } from "../workerd/support/wait.mjs";
import { launch, openWindow } from "./support/browser.mjs";
import { TOKEN, startConsole } from "./support/console.mjs";
import { clearPictures, inspect, look } from "./support/looks.mjs";

const APP = "console";

/** The limit for the start, and for each test. */
const TEST_MS_MAX = 180_000;

/** Pictures for the documentation are left here, if it is set. */
const { CONSOLE_IMAGES } = process.env;

const PICTURE = { width: 1280, height: 800 };

/** More than the five of the canary. */
const LETTERS = 12;

/** Parked beside them, because no build can read them. */
const UNREADABLE = 2;

const REASON = "refused-by-database";

/** A user about which nothing was ever received. */
const NOBODY = "user_2Nobody0000000000000000";

/** The same minute of the next day, in UTC, as in the form. */
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString().slice(0, 16);

describe("console in a browser", () => {
  let browser;
  let system;
  let users;

  before(async () => {
    clearPictures(APP);
    if (CONSOLE_IMAGES) mkdirSync(CONSOLE_IMAGES, { recursive: true });
    browser = await launch();
    system = await startConsole();
  }, { timeout: TEST_MS_MAX });

  after(async () => {
    await browser?.close();
    await system?.stop();
  });

  /** Defines a test with its own window, in which only expected errors may occur. */
  function shows(title, run) {
    it(title, { timeout: TEST_MS_MAX }, async () => {
      const window = await openWindow(browser);
      try {
        await run(window.page, window.context);
        window.silent();
      } finally {
        await window.close();
      }
    });
  }

  const open = async (page, where) => (await page.goto(`${system.url}${where}`)).status();
  const seen = (page, state) => inspect(page, APP, state);
  const click = (page, role, name) => page.getByRole(role, { name, exact: true }).click();
  const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

  /** A picture for the documentation: the first screen of a page. */
  async function picture(page, name, colorScheme = "light") {
    if (!CONSOLE_IMAGES) return;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(PICTURE);
    await page.evaluate(() => {
      document.activeElement?.blur();
      scrollTo(0, 0);
    });
    await page.screenshot({ path: path.join(CONSOLE_IMAGES, `console-${name}.png`) });
    await page.emulateMedia({ colorScheme: "light" });
  }

  async function signIn(page, where = "/") {
    assert.equal(await open(page, where), 401);
    await page.getByLabel("Operator token").fill(TOKEN);
    await click(page, "button", "Sign in");
    await page.waitForURL(`${system.url}${where}`);
  }

  /** Runs crons until the replay on the page is at its end, as the minutes of a night do. */
  async function untilDone(page) {
    await waitFor("the replay is done", async () => {
      await system.sweep();
      const [state] = await page.locator("h1 .badge").allInnerTexts();
      return state === "done";
    }, 60_000);
    const { length } = await page.getByText("each became what was planned").all();
    assert.equal(length, 1, await page.locator("main").innerText());
  }

  const stateOf = async (ids) => {
    const list = JSON.stringify(ids);
    const rows = await system.sql(
      "SELECT DISTINCT state FROM dead_letters WHERE subject IN (SELECT value FROM json_each(?1))",
      list,
    );
    return rows.map(({ state }) => state);
  };

  shows("asks who somebody is, and goes on to the page that they wanted", async (page) => {
    assert.equal(await open(page, "/replays"), 401);
    await seen(page, "sign-in");
    await page.getByLabel("Operator token").fill("something else entirely, of enough bytes");
    await click(page, "button", "Sign in");
    await page.getByRole("alert").waitFor();
    await look(page, APP, "sign-in-refused");
    await signIn(page, "/audit");
    await heading(page, "Audit trail");
    await seen(page, "audit-of-a-refusal");
    await click(page, "button", "Sign out");
    assert.equal(await open(page, "/"), 401);
  });

  shows("says that all is well, and that lists are empty", async (page) => {
    await system.deliver(clerk.user(clerk.newId("user")));
    await system.sweep();
    await signIn(page);
    await heading(page, "All is well");
    await seen(page, "overview-well");
    for (const [where, state] of [
      ["/dead-letters", "letters-empty"],
      ["/replays", "replays-empty"],
      [`/users/${NOBODY}`, "user-unknown"],
      ["/explain", "look-up"],
    ]) {
      assert.equal(await open(page, where), 200, where);
      await seen(page, state);
    }
  });

  shows("has a page for what is not there, or cannot be read", async (page) => {
    await signIn(page);
    for (const [where, status] of [
      ["/nothing", 404],
      ["/dead-letters/nothing", 404],
      ["/replays/replay_nothing", 404],
      ["/dead-letters?reasn=shape", 400],
      ["/replays/new?action=replay", 400],
    ]) {
      assert.equal(await open(page, where), status, where);
      await look(page, APP, `refused-${status}`);
    }
  });

  shows("goes through a night by mouse: alarm, matrix, plan, apply, proof", async (page) => {
    users = await system.badNight(LETTERS);
    await system.sweep();
    await signIn(page);
    await heading(page, /^\d things need a look$/);
    await page.getByText(`No. ${LETTERS + UNREADABLE} letters are parked.`).waitFor();
    await page.getByRole("heading", { level: 2, name: "The last hour" }).waitFor();
    for (const name of [/^Messages, .* [\d,]+ messages in an hour/, /^Parked, .* parked in an hour/]) {
      await page.getByRole("img", { name }).waitFor();
    }
    const messages = page.getByRole("region", { name: "Messages", exact: true });
    await messages.getByText("In figures").click();
    await messages.getByRole("row").nth(1).waitFor();
    await look(page, APP, "overview-figures");
    await seen(page, "overview");
    await picture(page, "overview");
    await picture(page, "overview-dark", "dark");
    await page.getByRole("main").getByRole("link", { name: "Dead letters" }).click();
    await page.waitForURL(`${system.url}/dead-letters`);
    await page.getByRole("row", { name: "user.updated" }).getByRole("link", { name: `${LETTERS}` })
      .first().click();
    await page.getByText(`Plan a replay of these ${LETTERS} letters`).waitFor();
    await seen(page, "letters");
    await picture(page, "matrix");
    await click(page, "link", `Plan a replay of these ${LETTERS} letters`);
    await heading(page, "Plan a replay");
    await seen(page, "plan-form");
    await page.getByLabel("Reason, for the audit trail").fill("the table is open again");
    await click(page, "button", "Make the plan");
    await page.getByText(`would be applied`).waitFor();
    await seen(page, "plan");
    await picture(page, "plan");
    // A wrong word applies nothing.
    await page.getByLabel("Apply this plan").fill("yes");
    await click(page, "button", "Apply the plan");
    await page.getByRole("alert").waitFor();
    assert.deepEqual(await stateOf(users), ["parked"]);
    await page.getByLabel("Apply this plan").fill(`${LETTERS}`);
    await click(page, "button", "Apply the plan");
    await untilDone(page);
    assert.deepEqual(await stateOf(users), ["applied"]);
    await seen(page, "proof");
    await picture(page, "proof");
    const bar = page.getByRole("navigation", { name: "Main" });
    await bar.getByRole("link", { name: "Replays" }).click();
    await page.waitForURL(`${system.url}/replays`);
    await seen(page, "replays");
    await bar.getByRole("link", { name: "Audit" }).click();
    await page.waitForURL(`${system.url}/audit`);
    await seen(page, "audit");
    await click(page, "link", "Rolecall");
    await page.getByText(`No. ${UNREADABLE} letters are parked.`).waitFor();
  });

  shows("shows a letter and a delivery", async (page) => {
    await signIn(page, "/dead-letters?state=applied");
    await page.locator("tbody th a code").last().click();
    await page.getByText("Why it was parked").waitFor();
    await seen(page, "letter");
    await page.locator("dd a[href*='id=msg_']").click();
    await heading(page, /^Delivery msg_/);
    await seen(page, "delivery");
    await open(page, "/dead-letters?reason=not-json");
    await page.locator(".list tbody th a").click();
    await page.getByText("cannot be read by any version").waitFor();
    await seen(page, "letter-unreadable");
  });

  shows("says why a role counts, and grants one after a look at what changes", async (page) => {
    const [user] = users;
    const org = clerk.newId("org");
    const joined = { org, user, role: "org:admin", permissions: ["org:reports:read"] };
    await system.deliver(clerk.membership(clerk.newId("orgmem"), joined));
    await signIn(page);
    await page.getByLabel("Look up any id").fill(user);
    await click(page, "button", "Look up");
    await heading(page, `User ${user}`);
    const row = page.getByRole("row", { name: /^editor / });
    await row.getByText("counts", { exact: true }).waitFor();
    await seen(page, "user");
    await picture(page, "user");
    await page.getByRole("textbox", { name: "App role" }).fill("admin");
    await page.getByLabel("Reason, for the audit trail").fill("on call until noon");
    await page.getByLabel("End (may be empty)").fill(tomorrow());
    await click(page, "button", "See what would change");
    await heading(page, "Grant admin?");
    await look(page, APP, "role-change");
    assert.deepEqual(await system.sql("SELECT * FROM role_grants"), []);
    await click(page, "button", "Grant it");
    await page.getByRole("status").getByText("Done").waitFor();
    await page.getByRole("row", { name: /^admin / }).getByText("counts", { exact: true }).waitFor();
    await seen(page, "user-granted");
  });

  shows("goes through a night by keyboard alone", async (page) => {
    users = await system.badNight(LETTERS);
    await open(page, "/");
    const { keyboard } = page;
    /** Tabs to a control by its name, as somebody without a mouse does. */
    async function tabTo(name) {
      const isThere = (wanted) => {
        const { innerText, labels } = document.activeElement;
        return (labels?.[0]?.innerText || innerText).trim() === wanted;
      };
      for (let left = 150; 0 < left; left -= 1) {
        await keyboard.press("Tab");
        if (await page.evaluate(isThere, name)) return;
      }
      throw new Error(`Tab does not reach "${name}"`);
    }
    async function press(name) {
      await tabTo(name);
      await keyboard.press("Enter");
    }
    async function fill(name, text) {
      await tabTo(name);
      await keyboard.type(text);
    }
    await fill("Operator token", TOKEN);
    await keyboard.press("Enter");
    await heading(page, /need/);
    await press("Dead letters");
    await page.waitForURL(`${system.url}/dead-letters`);
    await press(REASON);
    await page.waitForURL(`${system.url}/dead-letters?state=parked&reason=${REASON}`);
    await press(`Plan a replay of these ${LETTERS} letters`);
    await heading(page, "Plan a replay");
    await fill("Reason, for the audit trail", "the same mistake once more");
    await press("Make the plan");
    await heading(page, `Replay of ${LETTERS} letters`);
    await fill("Apply this plan", "replay");
    await keyboard.press("Enter");
    await untilDone(page);
    assert.deepEqual(await stateOf(users), ["applied"]);
  });

  shows("works without JavaScript: plans and applies a discard", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await signIn(page, "/dead-letters");
    await click(page, "link", "not-json");
    await page.getByRole("link", { name: /^Plan a discard of / }).click();
    await page.getByLabel("Reason, for the audit trail").fill("Clerk has sent it again");
    await click(page, "button", "Make the plan");
    await page.getByLabel("Apply this plan").fill("discard");
    await click(page, "button", "Apply the plan");
    await waitFor("the letters are discarded", async () => {
      const button = page.getByRole("button", { name: "Carry on now" });
      if (0 < (await button.count())) await button.click();
      return (await page.locator("h1 .badge").innerText()) === "done";
    }, 60_000);
    const sql = "SELECT DISTINCT state FROM dead_letters WHERE reason = 'not-json'";
    assert.deepEqual(await system.sql(sql), [{ state: "discarded" }]);
    await context.close();
  });
});
