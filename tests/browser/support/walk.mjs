// The tests of an app in a browser, from the first page to signing out, with the real system.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as events from "../../workerd/support/clerk.mjs";
import { waitFor } from "../../workerd/support/wait.mjs";
import { launch, openWindow } from "./browser.mjs";
import { clearPictures, inspect, look } from "./looks.mjs";
import { startSystem } from "./system.mjs";

/** A user on the local Clerk's page. */
const GRACE = { id: "user_3GRAChopper1906compiler0001", name: "Grace Hopper" };

/** A role of hers that no other user's page shows. */
const ROLE = "editor";

const ORG = "org_3ACMEworkshop1947desk000001";
const PERMISSION = "org:reports:read";

/** The limit for the start, and for each test. */
const TEST_MS_MAX = 60_000;

/**
 * Defines the tests of an app.
 *
 * @param {{
 *   name: "ssr" | "example",
 *   organization: string,
 *   headings: Record<string, string>,
 *   links: {signIn: string, again: string},
 *   more?: (tools: object) => void,
 * }} app `organization` is the path before an organization's id; `headings` are of its pages.
 */
export function walk({ name, organization, headings, links, more }) {
  describe(`${name} in a browser`, () => {
    const orgPage = `${organization}/${ORG}`;
    let browser;
    let system;
    let url;

    before(begin, { timeout: TEST_MS_MAX });
    after(async () => {
      await browser?.close();
      await system?.stop();
    });

    async function begin() {
      clearPictures(name);
      browser = await launch();
      system = await startSystem();
      url = system[name];
      const role = { role: "org:admin", permissions: [PERMISSION] };
      const joined = { org: ORG, user: GRACE.id, ...role };
      const given = [
        events.withRole(GRACE.id, ROLE),
        events.membership(events.newId("orgmem"), joined),
      ];
      await Promise.all(given.map((event) => system.deliver(event)));
    }

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

    const open = async (page, where) => (await page.goto(`${url}${where}`)).status();
    const seen = (page, state) => inspect(page, name, state);
    const click = (page, role, label) => page.getByRole(role, { name: label, exact: true }).click();

    async function isAt(page, where, heading) {
      await page.waitForURL(`${url}${where}`);
      await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
    }

    async function signInAtClerk(page) {
      await click(page, "link", links.signIn);
      await click(page, "button", `Sign in as ${GRACE.name}`);
    }

    /** Signs in on the way from the front page to the dashboard. */
    async function signIn(page) {
      await open(page, "/");
      await click(page, "link", "Open your dashboard");
      await signInAtClerk(page);
      await isAt(page, "/dashboard", headings.dashboard);
    }

    /** Signs in as a user that the local Clerk's page does not list. */
    async function signedInAs(context, user, actor) {
      await context.addCookies(await system.cookies(user, actor));
    }

    /** Loads the administration until it has this status. */
    const answers = (page, status) =>
      waitFor(`it answers ${status}`, async () => (await open(page, "/admin")) === status);

    shows("redirects signed-out users to sign-in, and back to the page", async (page) => {
      await open(page, "/");
      await seen(page, "home");
      await open(page, `${orgPage}?tab=2`);
      await page.getByRole("heading", { level: 1, name: headings.signIn }).waitFor();
      await seen(page, "sign-in");
      await click(page, "link", links.signIn);
      await page.waitForURL(`${system.clerk}/sign-in?**`);
      await seen(page, "clerk");
      await click(page, "button", `Sign in as ${GRACE.name}`);
      await isAt(page, `${orgPage}?tab=2`, headings.organization(ORG));
      await seen(page, "organization");
    });

    shows("shows users their own roles", async (page) => {
      await signIn(page);
      const text = await page.locator("body").innerText();
      for (const part of [GRACE.id, ROLE, "member", ORG, PERMISSION]) {
        assert.ok(text.includes(part), `${part} in ${text}`);
      }
      assert.equal(await page.locator("nav [aria-current=page]").innerText(), "Dashboard");
      await seen(page, "dashboard");
    });

    shows("shows and denies a page as webhooks say, without a new sign-in", async (page) => {
      await signIn(page);
      await click(page, "link", "Administration");
      await isAt(page, "/admin", headings.refused);
      await system.deliver(events.user(GRACE.id,
        { public_metadata: { roles: ["admin", ROLE] } }, { verb: "updated" }));
      await answers(page, 200);
      await isAt(page, "/admin", headings.admin);
      await seen(page, "admin");
      await system.deliver(events.withRole(GRACE.id, ROLE));
      await answers(page, 403);
      await isAt(page, "/admin", headings.refused);
      await seen(page, "403");
    });

    shows("signs out by its button, and going back shows no personal data", async (page) => {
      await signIn(page);
      await open(page, orgPage);
      // This browser has a back/forward cache: the next result is not because it is off. Chromium
      // may discard a page, as on a busy machine, so one restored page of several is enough.
      await waitFor("while signed in the page is shown again", async () => {
        await open(page, "/dashboard");
        await page.waitForLoadState("networkidle");
        await open(page, "/");
        const kept = await goBack(page);
        assert.ok(kept.isRestored, `discarded: ${kept.discarded}`);
        return isPersonal(kept);
      });
      await click(page, "button", "Sign out");
      await isAt(page, "/", headings.home);
      const history = await page.evaluate(() => globalThis.history.length);
      const shown = [];
      for (let left = history; 0 < left; left -= 1) {
        const back = await goBack(page);
        // The local Clerk's own page lists all of its users.
        if (back.url.startsWith(system.clerk)) continue;
        shown.push(back.url);
        assert.ok(!isPersonal(back), `${back.url} names nobody`);
      }
      assert.ok(shown.some((it) => it.includes("/sign-in?redirect_url=")), shown.join(" "));
      assert.equal(await open(page, "/dashboard"), 200);
      await page.getByRole("heading", { level: 1, name: headings.signIn }).waitFor();
    });

    shows("renews a session on the way, and signs out of it too", async (page, context) => {
      await signIn(page);
      // As after expiry: the browser still has `__client_uat`.
      await context.clearCookies({ name: /^__session/ });
      await open(page, "/dashboard");
      await isAt(page, "/dashboard", headings.dashboard);
      await click(page, "button", "Sign out");
      await isAt(page, "/", headings.home);
      await open(page, "/dashboard");
      await page.getByRole("heading", { level: 1, name: headings.signIn, exact: true }).waitFor();
    });

    shows("shows an impersonation", async (page, context) => {
      await signedInAs(context, GRACE.id, "user_3TheColleague");
      await open(page, "/dashboard");
      await page.getByText("Impersonated:").waitFor();
      await seen(page, "impersonated");
      assert.equal(await open(page, "/admin"), 403);
    });

    shows("has a page for unknown URLs", async (page) => {
      assert.equal(await open(page, "/nowhere"), 404);
      await isAt(page, "/nowhere", headings.missing);
      await seen(page, "404");
    });

    shows("has a page for unavailable roles, and works again afterwards", async (page, context) => {
      await signedInAs(context, "user_3Stranger");
      await system.sql("ALTER TABLE users RENAME TO test_users");
      try {
        assert.equal(await open(page, "/dashboard"), 503);
        await isAt(page, "/dashboard", headings.unavailable);
        await seen(page, "503");
      } finally {
        await system.sql("ALTER TABLE test_users RENAME TO users");
      }
      await waitFor("the page opens again", async () => {
        await click(page, "link", links.again);
        await isAt(page, "/dashboard", headings.dashboard);
        return true;
      });
      await seen(page, "dashboard-of-a-stranger");
    });

    const looked = (page, state) => look(page, name, state);
    const deliver = (event) => system.deliver(event);
    const visits = { open, click, isAt, signIn, signedInAs };
    more?.({ shows, seen, looked, deliver, ...visits, GRACE, ORG });
  });
}

/** Goes back, and returns what is shown. A restored page is not loaded again. */
async function goBack(page) {
  await page.goBack({ waitUntil: "commit" });
  return waitFor("a page is shown", () => page.evaluate(() => {
    if (document.readyState !== "complete") return undefined;
    const { isRestored } = globalThis;
    const [{ notRestoredReasons }] = performance.getEntriesByType("navigation");
    const discarded = JSON.stringify(notRestoredReasons?.reasons);
    return { isRestored, discarded, url: location.href, html: document.documentElement.outerHTML };
  }));
}

const isPersonal = ({ html }) => html.includes(GRACE.id) || html.includes(ROLE);
