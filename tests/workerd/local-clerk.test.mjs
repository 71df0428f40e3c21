// The local Clerk is held to Clerk's own SDK: what it mints and delivers is taken by it, and what
// it makes wrong on purpose is not. What agrees with us alone would prove nothing.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";

import { createClerkClient, verifyToken } from "@clerk/backend";
import { verifyWebhook } from "@clerk/backend/webhooks";

import { DOCUMENT } from "./support/answers.mjs";
import { SECRET } from "./support/delivery.mjs";
import { Jar, startLocalClerk } from "./support/local-clerk.mjs";
import { opinion, publishableKey, suffixOf } from "./support/sdk.mjs";
import { bearer } from "./support/sessions.mjs";

const APP = "http://127.0.0.1:8787";
const ADA = "user_3ADAlovelace1815analytic001";
/** What says who is signed in, since when, and which browser this is. */
const SET = ["__session", "__client_uat", "__clerk_db_jwt"];
const ACME = {
  id: "org_2acme", slug: "acme", role: "org:admin",
  permissions: ["org:settings:manage", "org:reports:read", "org:settings:read"],
};

describe("the local Clerk, by Clerk's SDK", () => {
  const received = [];
  let receiver;
  let clerk;
  let sdk;
  let keys;

  before(async () => {
    receiver = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
    await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
    const webhook = `http://127.0.0.1:${receiver.address().port}/webhooks/clerk`;
    clerk = await startLocalClerk(APP, { webhook });
    // The keys come from its JWKS, as the SDK asks Clerk's Backend API for them.
    keys = { apiUrl: clerk.url, secretKey: "sk_test_of_the_tests" };
    const publishable = publishableKey("development", clerk.url);
    const telemetry = { disabled: true };
    sdk = createClerkClient({ ...keys, publishableKey: publishable, telemetry });
  });
  after(() => {
    clerk?.stop();
    receiver?.closeAllConnections();
    receiver?.close();
  });

  async function post(path, body) {
    const headers = { "content-type": "application/json" };
    const how = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${clerk.url}${path}`, how);
    assert.equal(answer.status, 200, path);
    return answer.json();
  }

  /** The name of the instance's own cookie of this kind. */
  const own = (name) => `${name}_${suffixOf(publishableKey("development", clerk.url))}`;
  const minted = async (more = {}) =>
    (await post("/local/tokens", { user_id: ADA, ...more })).token;
  const asked = (headers, path = "/dashboard") =>
    new Request(`${APP}${path}`, { headers: { ...DOCUMENT, ...headers } });
  const says = (headers, path) => opinion(sdk, asked(headers, path), [APP]);
  const state = (token) =>
    sdk.authenticateRequest(asked(bearer(token)), { authorizedParties: [APP] });

  it("mints session tokens that it takes, with who acts and where, in either version", async () => {
    for (const more of [{}, { ttl_s: 60 }, { version: 1 }, { version: 2 }]) {
      const token = await minted(more);
      const claims = await verifyToken(token, { ...keys, authorizedParties: [APP] });
      assert.equal(claims.sub, ADA);
      assert.deepEqual(await says(bearer(token)), { verdict: "in", user: ADA, reason: null });
    }
    for (const version of [1, 2]) {
      const auth = (await state(await minted({ version, organization: ACME }))).toAuth();
      assert.deepEqual([auth.orgId, auth.orgSlug, auth.orgRole], [ACME.id, "acme", "org:admin"]);
      assert.deepEqual(new Set(auth.orgPermissions), new Set(ACME.permissions), `${version}`);
      assert.ok(auth.has({ permission: "org:settings:read" }));
      assert.ok(!auth.has({ permission: "org:reports:manage" }));
    }
    for (const actor_id of ["user_2Colleague", "support.desk@corp.example"]) {
      const { actor } = (await state(await minted({ actor_id }))).toAuth();
      assert.deepEqual(actor, { iss: clerk.url, sub: actor_id });
    }
  });

  it("mints tokens that have lapsed, or are another's, that it refuses", async () => {
    const lapsed = await minted({ ttl_s: -60 });
    await assert.rejects(verifyToken(lapsed, keys), /expired/);
    assert.equal((await says(bearer(lapsed))).verdict, "asks");
    const good = await minted();
    const [head, claims, signature] = good.split(".");
    const letter = signature.startsWith("A") ? "B" : "A";
    const forged = `${head}.${claims}.${letter}${signature.slice(1)}`;
    assert.equal((await says(bearer(forged))).verdict, "out");
    // For another application, and by the key of another local Clerk.
    const elsewhere = await opinion(sdk, asked(bearer(good)), ["http://127.0.0.1:9999"]);
    assert.equal(elsewhere.verdict, "out");
    const other = await startLocalClerk(APP);
    try {
      const how = { method: "POST", headers: { "content-type": "application/json" } };
      const body = JSON.stringify({ user_id: ADA });
      const { token } = await (await fetch(`${other.url}/local/tokens`, { ...how, body })).json();
      assert.equal((await says(bearer(token))).verdict, "out");
    } finally {
      other.stop();
    }
  });

  /** A browser that has signed in. */
  async function signedIn() {
    const jar = new Jar();
    const body = new URLSearchParams({ user_id: ADA, redirect_url: "/dashboard" });
    const how = { method: "POST", body, redirect: "manual" };
    const answer = await fetch(`${clerk.url}/sign-in`, how);
    assert.equal(answer.status, 303);
    jar.take(answer.headers);
    return jar;
  }

  /** Where the SDK sends a browser, and what the local Clerk answers there. */
  async function shaken(jar) {
    const sent = await sdk.authenticateRequest(asked({ cookie: jar.header }), {});
    assert.equal(sent.status, "handshake");
    const to = new URL(sent.headers.get("location"));
    // The SDK speaks https to a host; the local Clerk is the same one without it.
    assert.equal(to.host, new URL(clerk.url).host);
    const answer = await fetch(`${clerk.url}${to.pathname}${to.search}`, {
      headers: { cookie: jar.header }, redirect: "manual",
    });
    assert.deepEqual([answer.status, answer.headers.get("cache-control")], [307, "no-store"]);
    return new URL(answer.headers.get("location"));
  }

  it("signs people in by cookies that it takes, and its record is no session", async () => {
    const jar = await signedIn();
    // Either set alone will do.
    for (const which of [(name) => name, own]) {
      const cookie = SET.map((name) => `${which(name)}=${jar.get(which(name))}`).join("; ");
      assert.deepEqual(await says({ cookie }), { verdict: "in", user: ADA, reason: null });
    }
    const seen = await says({ cookie: jar.header });
    assert.deepEqual(seen, { verdict: "in", user: ADA, reason: null });
    assert.equal((await says(bearer(jar.get("__client")))).verdict, "out");
    const record = `__session=${jar.get("__client")}; __client_uat=1; __clerk_db_jwt=dvb_1`;
    assert.equal((await says({ cookie: record })).verdict, "out");
  });

  it("answers a handshake that it asks for, in words that it takes", async () => {
    const jar = await signedIn();
    jar.setSessions(await minted({ ttl_s: -60 }));
    const back = await shaken(jar);
    const taken = await says({ cookie: jar.header }, `${back.pathname}${back.search}`);
    assert.deepEqual(taken, { verdict: "takes", user: ADA, reason: null });
    const { headers } = await sdk.authenticateRequest(
      asked({ cookie: jar.header }, `${back.pathname}${back.search}`), {});
    jar.take(headers);
    assert.equal((await says({ cookie: jar.header })).user, ADA);
    // Both sets, for the SDK asks for the suffixed one where it has found one.
    const names = headers.getSetCookie().map((line) => line.split("=")[0]);
    for (const name of [...SET, ...SET.map(own)]) assert.ok(names.includes(name), `${names}`);
    // A browser that has the plain set alone gets that one.
    for (const name of [...jar.names].filter((name) => name.endsWith(own("")))) jar.drop(name);
    jar.setSessions(await minted({ ttl_s: -60 }));
    const again = await shaken(jar);
    const plain = await sdk.authenticateRequest(
      asked({ cookie: jar.header }, `${again.pathname}${again.search}`), {});
    assert.ok(!plain.headers.getSetCookie().some((line) => line.startsWith(own("__session"))));
    jar.take(plain.headers);
    assert.equal((await says({ cookie: jar.header })).user, ADA);
  });

  it("ends the session of who has signed out", async () => {
    const jar = await signedIn();
    const lapsed = await minted({ ttl_s: -60 });
    const body = new URLSearchParams({ redirect_url: "/" });
    const how = { method: "POST", body, redirect: "manual" };
    jar.take((await fetch(`${clerk.url}/sign-out`, how)).headers);
    const left = ["__session", "__client_uat"].flatMap((name) => [jar.get(name), jar.get(own(name))]);
    assert.deepEqual(left, [undefined, undefined, "0", "0"]);
    jar.set("__session", lapsed);
    jar.set("__client_uat", "1");
    const back = await shaken(jar);
    const { headers } = await sdk.authenticateRequest(
      asked({ cookie: jar.header }, `${back.pathname}${back.search}`), {});
    jar.take(headers);
    assert.deepEqual([jar.get("__session"), jar.get("__client_uat")], [undefined, "0"]);
    assert.equal((await says({ cookie: jar.header })).verdict, "out");
  });

  it("delivers webhooks that it verifies, and with its switches such as it refuses", async () => {
    const verified = ({ headers, body }) =>
      verifyWebhook(new Request(`${APP}/webhooks/clerk`, { method: "POST", headers, body }),
        { signingSecret: SECRET });
    const day = await (await fetch(`${clerk.url}/local/day`)).json();
    let [events, refused] = [0, 0];
    for (const [at, { title, expected_status }] of day.entries()) {
      const before = received.length;
      await post(`/local/day/${at}`, {});
      const isGenuine = expected_status.every((status) => status < 300);
      for (const one of received.slice(before)) {
        if (!isGenuine) {
          await assert.rejects(verified(one), title);
          refused += 1;
          continue;
        }
        const { data, type, object } = await verified(one);
        assert.match(type, /^\w+\.\w+$/, title);
        assert.deepEqual([object, typeof data], ["event", "object"], title);
        events += 1;
      }
    }
    assert.ok(0 < refused, "a day has its forgeries");
    assert.ok(10 < events, `${events}`);
  });
});
