// The handshake: whose token has lapsed is sent to Clerk and comes back with a new one, without
// being asked to sign in.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { startDirect, workerOf } from "./support/direct.mjs";
import { Jar, startLocalClerk } from "./support/local-clerk.mjs";
import { wire } from "./support/wire.mjs";

const DOCUMENT = { "sec-fetch-dest": "document", accept: "text/html,application/xhtml+xml;q=0.9" };

/** Where the application is, as its browser knows it. */
const APP = "http://127.0.0.1:8787";

describe("with the local Clerk", () => {
  const ADA = "user_3ADAlovelace1815analytic001";
  let clerk;
  let system;

  before(async () => {
    clerk = await startLocalClerk(APP);
    const key = `pk_test_${Buffer.from(`${new URL(clerk.url).host}$`).toString("base64")}`;
    const bindings = {
      AUTHORIZED_PARTIES: APP,
      CLERK_FRONTEND_API_URL: clerk.url,
      CLERK_ISSUER: clerk.url,
      CLERK_JWKS_URL: `${clerk.url}/.well-known/jwks.json`,
      CLERK_PUBLISHABLE_KEY: key,
    };
    system = await startDirect([workerOf("durable"), workerOf("ssr", { bindings })]);
  });
  after(async () => {
    await system?.stop();
    clerk?.stop();
  });

  /** Opens an address in a browser with these cookies, and follows nothing. */
  async function open(jar, address, headers = DOCUMENT) {
    const all = { ...headers, cookie: jar.header };
    const { origin, host, pathname, search } = new URL(address, APP);
    if (origin === clerk.url) {
      const answer = await fetch(address, { headers: all, redirect: "manual" });
      jar.take(answer.headers);
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    }
    assert.equal(origin, APP, "nobody is sent elsewhere");
    const url = await system.url("rolecall-ssr");
    const answer = await wire(url, `${pathname}${search}`, { headers: { ...all, host } });
    jar.take(answer.headers);
    return answer;
  }

  async function signedIn() {
    const jar = new Jar();
    const body = new URLSearchParams({ user_id: ADA, redirect_url: "/dashboard" });
    const answer = await fetch(`${clerk.url}/sign-in`, { method: "POST", body, redirect: "manual" });
    assert.equal(answer.status, 303);
    jar.take(answer.headers);
    return jar;
  }

  /** Puts a token into the jar that lapsed a minute ago. */
  async function lapse(jar) {
    const body = JSON.stringify({ user_id: ADA, ttl_s: -60 });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${clerk.url}/local/tokens`, { method: "POST", headers, body });
    jar.set("__session", (await answer.json()).token);
  }

  it("a lapsed token is renewed on the way to the page", async () => {
    const jar = await signedIn();
    assert.equal((await open(jar, "/dashboard")).status, 200);
    await lapse(jar);

    const away = await open(jar, "/dashboard?tab=2");
    assert.equal(away.status, 307);
    const there = await open(jar, away.headers.get("location"));
    assert.equal(there.status, 307);
    const back = await open(jar, there.headers.get("location"));
    assert.equal(back.status, 307);
    assert.equal(back.headers.get("location"), "/dashboard?tab=2");
    const page = await open(jar, back.headers.get("location"));
    assert.equal(page.status, 200);
    assert.ok(page.text.includes(ADA));
  });
});
