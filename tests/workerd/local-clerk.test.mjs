// Tests the local Clerk with Clerk's own SDK: the SDK accepts what it mints and delivers, and
// rejects what it makes wrong on purpose. A test with our own code alone would prove nothing.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";

import { createClerkClient, verifyToken } from "@clerk/backend";
import { isClerkAPIResponseError } from "@clerk/backend/errors";
import { verifyWebhook } from "@clerk/backend/webhooks";

import { DOCUMENT } from "./support/answers.mjs";
import { SECRET } from "./support/delivery.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { Jar, SECRET_KEY, startLocalClerk } from "./support/local-clerk.mjs";
import { publishableKey, sdkResult, suffixOf } from "./support/sdk.mjs";
import { bearer } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

const APP = "http://127.0.0.1:8787";
const ADA = "user_3ADAlovelace1815analytic001";
/** The cookies of the session, its time and the browser. */
const SET = ["__session", "__client_uat", "__clerk_db_jwt"];
const ACME = {
  id: "org_2acme", slug: "acme", role: "org:admin",
  permissions: ["org:settings:manage", "org:reports:read", "org:settings:read"],
};

describe("the local Clerk, tested with Clerk's SDK", () => {
  const received = [];
  let receiver;
  let clerk;
  let sdk;
  let stranger;
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
    clerk = await startLocalClerk(APP, { webhook, nonces: true });
    // The keys come from its JWKS, as the SDK requests them from Clerk's Backend API.
    keys = { apiUrl: clerk.url, secretKey: SECRET_KEY };
    const publishable = publishableKey("development", clerk.url);
    const more = { publishableKey: publishable, telemetry: { disabled: true } };
    sdk = createClerkClient({ ...keys, ...more });
    const otherKey = { ...keys, secretKey: "sk_test_another" };
    stranger = createClerkClient({ ...otherKey, ...more });
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

  /** The suffixed name of a cookie of this instance. */
  const own = (name) => `${name}_${suffixOf(publishableKey("development", clerk.url))}`;
  /** A browser's cookies with this token; everything else is valid. */
  const cookies = (token) =>
    ({ cookie: `__session=${token}; __client_uat=1; __clerk_db_jwt=dvb_1` });
  const minted = async (more = {}) =>
    (await post("/local/tokens", { user_id: ADA, ...more })).token;
  const asked = (headers, path = "/dashboard") =>
    new Request(`${APP}${path}`, { headers: { ...DOCUMENT, ...headers } });
  const says = (headers, path) => sdkResult(sdk, asked(headers, path), [APP]);
  const state = (token) =>
    sdk.authenticateRequest(asked(bearer(token)), { authorizedParties: [APP] });

  it("mints valid session tokens of both versions, with actor and organization", async () => {
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

  it("mints invalid tokens on purpose, which the SDK and ssr reject", async () => {
    const bindings = {
      AUTHORIZED_PARTIES: APP,
      CLERK_FRONTEND_API_URL: clerk.url,
      CLERK_ISSUER: clerk.url,
      CLERK_JWKS_URL: `${clerk.url}/.well-known/jwks.json`,
      CLERK_PUBLISHABLE_KEY: publishableKey("development", clerk.url),
    };
    const system = await startDirect([workerOf("durable"), workerOf("ssr", { bindings })]);
    try {
      const url = await system.url("rolecall-ssr");
      const status = async (headers) => {
        const all = { host: new URL(APP).host, ...headers };
        return (await wire(url, "/api/me", { headers: all })).status;
      };
      const good = await minted();
      assert.equal(await status(bearer(good)), 200, "a valid token must be accepted");
      const table = await (await fetch(`${clerk.url}/local/tokens/wrong`)).json();
      for (const { name, taken_by_sdk } of table) {
        const token = await minted({ wrong: name });
        const verdicts = [await says(bearer(token)), await says(cookies(token))];
        const [byHeader, byCookie] = verdicts.map(({ user }) => user);
        // The SDK accepts some of them: docs/clerk-differences.md lists them, and is tested too.
        assert.equal(byHeader !== null, taken_by_sdk, `the SDK, ${name}, by a header`);
        assert.ok(byCookie === null || taken_by_sdk, `the SDK, ${name}, by a cookie`);
        for (const headers of [bearer(token), cookies(token)]) {
          assert.equal(await status(headers), 401, `ssr, ${name}`);
        }
      }
      assert.ok(table.some((wrong) => wrong.taken_by_sdk) && 20 < table.length);
    } finally {
      await system.stop();
    }
  });

  it("mints expired and foreign tokens, which the SDK rejects", async () => {
    const expired = await minted({ ttl_s: -60 });
    await assert.rejects(verifyToken(expired, keys), /expired/);
    assert.equal((await says(bearer(expired))).verdict, "asks");
    const good = await minted();
    const [head, claims, signature] = good.split(".");
    const letter = signature.startsWith("A") ? "B" : "A";
    const forged = `${head}.${claims}.${letter}${signature.slice(1)}`;
    assert.equal((await says(bearer(forged))).verdict, "out");
    // For another app, and with the key of another local Clerk.
    const elsewhere = await sdkResult(sdk, asked(bearer(good)), ["http://127.0.0.1:9999"]);
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

  /** Follows the SDK's redirect to the local Clerk, with a result of this form. */
  async function shaken(jar, format = "token") {
    const sent = await sdk.authenticateRequest(asked({ cookie: jar.header }), {});
    assert.equal(sent.status, "handshake");
    const to = new URL(sent.headers.get("location"));
    // The SDK uses https with a host name; the local Clerk is the same without https.
    assert.equal(to.host, new URL(clerk.url).host);
    assert.equal(to.searchParams.get("format"), "nonce", "the SDK asks for a nonce");
    to.searchParams.set("format", format);
    const answer = await fetch(`${clerk.url}${to.pathname}${to.search}`, {
      headers: { cookie: jar.header }, redirect: "manual",
    });
    assert.deepEqual([answer.status, answer.headers.get("cache-control")], [307, "no-store"]);
    return new URL(answer.headers.get("location"));
  }

  it("signs in with valid cookies, and its own cookie is not a session", async () => {
    const jar = await signedIn();
    // Each of the two cookie pairs is sufficient.
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

  it("answers a handshake with a result that the SDK accepts", async () => {
    const jar = await signedIn();
    jar.setSessions(await minted({ ttl_s: -60 }));
    const back = await shaken(jar);
    const taken = await says({ cookie: jar.header }, `${back.pathname}${back.search}`);
    assert.deepEqual(taken, { verdict: "takes", user: ADA, reason: null });
    const { headers } = await sdk.authenticateRequest(
      asked({ cookie: jar.header }, `${back.pathname}${back.search}`), {});
    jar.take(headers);
    assert.equal((await says({ cookie: jar.header })).user, ADA);
    // Both pairs, because the SDK asks for the suffixed one if it has found one.
    const names = headers.getSetCookie().map((line) => line.split("=")[0]);
    for (const name of [...SET, ...SET.map(own)]) assert.ok(names.includes(name), `${names}`);
    // A browser that has only the plain pair gets only that one.
    for (const name of [...jar.names].filter((name) => name.endsWith(own("")))) jar.drop(name);
    jar.setSessions(await minted({ ttl_s: -60 }));
    const again = await shaken(jar);
    const plain = await sdk.authenticateRequest(
      asked({ cookie: jar.header }, `${again.pathname}${again.search}`), {});
    assert.ok(!plain.headers.getSetCookie().some((line) => line.startsWith(own("__session"))));
    jar.take(plain.headers);
    assert.equal((await says({ cookie: jar.header })).user, ADA);
  });

  it("answers with a nonce, which the SDK exchanges through the Backend API", async () => {
    const jar = await signedIn();
    jar.setSessions(await minted({ ttl_s: -60 }));
    const back = await shaken(jar, "nonce");
    assert.equal(back.searchParams.get("__clerk_handshake"), null);
    const answer = asked({ cookie: jar.header }, `${back.pathname}${back.search}`);
    const state = await sdk.authenticateRequest(answer, { authorizedParties: [APP] });
    assert.deepEqual([state.status, state.toAuth().userId], ["signed-in", ADA]);
    assert.equal(state.headers.get("location"), `${APP}/dashboard`);
    jar.take(state.headers);
    const seen = await says({ cookie: jar.header });
    assert.deepEqual(seen, { verdict: "in", user: ADA, reason: null });
    // Only once: a later reader of the link gets nothing.
    const nonce = back.searchParams.get("__clerk_handshake_nonce");
    await assert.rejects(sdk.clients.getHandshakePayload({ nonce }), refusal(404));
  });

  it("ends the session at sign-out", async () => {
    const jar = await signedIn();
    const expired = await minted({ ttl_s: -60 });
    const body = new URLSearchParams({ redirect_url: "/" });
    const how = { method: "POST", body, redirect: "manual" };
    jar.take((await fetch(`${clerk.url}/sign-out`, how)).headers);
    const names = ["__session", "__client_uat"].flatMap((name) => [name, own(name)]);
    const left = names.map((name) => jar.get(name));
    assert.deepEqual(left, [undefined, undefined, "0", "0"]);
    jar.set("__session", expired);
    jar.set("__client_uat", "1");
    const back = await shaken(jar);
    const { headers } = await sdk.authenticateRequest(
      asked({ cookie: jar.header }, `${back.pathname}${back.search}`), {});
    jar.take(headers);
    assert.deepEqual([jar.get("__session"), jar.get("__client_uat")], [undefined, "0"]);
    assert.equal((await says({ cookie: jar.header })).verdict, "out");
  });

  /** Returns whether an error is one of the Backend API, as the SDK parses it. */
  const refusal = (status, code = "resource_not_found") => (error) => {
    assert.ok(isClerkAPIResponseError(error), error);
    assert.deepEqual([error.status, error.errors[0].code], [status, code]);
    assert.ok(error.errors[0].message && error.errors[0].longMessage && error.clerkTraceId);
    return true;
  };

  it("lists users, organizations and memberships in the Backend API", async () => {
    const { data, totalCount } = await sdk.users.getUserList({ orderBy: "created_at" });
    const ids = data.map(({ id }) => id);
    assert.deepEqual([ids[0], ids.length, totalCount], [ADA, 3, 3]);
    assert.equal(await sdk.users.getCount(), 3);
    const ada = await sdk.users.getUser(ADA);
    assert.equal(ada.primaryEmailAddress.emailAddress, "ada@acme.example");
    assert.deepEqual(ada.publicMetadata, { roles: ["admin"] });
    assert.deepEqual(data[0], ada);
    const page = await sdk.users.getUserList({ orderBy: "created_at", limit: 1, offset: 1 });
    assert.deepEqual([page.data.map(({ id }) => id), page.totalCount], [[ids[1]], 3]);
    const some = await sdk.users.getUserList({ userId: [ids[2], "user_2gone"] });
    assert.deepEqual([some.data.map(({ id }) => id), some.totalCount], [[ids[2]], 1]);

    const organizations = await sdk.organizations.getOrganizationList();
    const [{ id, slug }] = organizations.data;
    assert.deepEqual([organizations.totalCount, slug], [1, "acme"]);
    const how = { organizationId: id, orderBy: "+created_at" };
    const members = await sdk.organizations.getOrganizationMembershipList(how);
    assert.equal(members.totalCount, 2);
    const held = members.data.map((it) => [it.publicUserData.userId, it.role, it.permissions]);
    assert.deepEqual(held, [
      [ADA, "org:admin", ["org:settings:manage", "org:reports:read"]],
      [ids[1], "org:member", ["org:reports:read"]],
    ]);
    const all = await sdk.organizations.getInstanceOrganizationMembershipList({ limit: 500 });
    const idsOf = (list) => new Set(list.data.map((it) => it.id));
    assert.deepEqual([idsOf(all), all.totalCount], [idsOf(members), 2]);
    const hers = await sdk.users.getOrganizationMembershipList({ userId: ADA });
    assert.deepEqual([hers.data, hers.totalCount], [[members.data[0]], 1]);
  });

  it("changes metadata as the SDK expects it, and sends the event", async () => {
    const before = await sdk.users.getUser(ADA);
    const count = received.length;
    const first = { publicMetadata: { plan: { name: "pro", seats: 2 } } };
    await sdk.users.updateUserMetadata(ADA, first);
    const second = { publicMetadata: { plan: { seats: null }, roles: ["editor"] } };
    const changed = await sdk.users.updateUserMetadata(ADA, second);
    assert.deepEqual(changed.publicMetadata, { roles: ["editor"], plan: { name: "pro" } });
    assert.ok(before.updatedAt < changed.updatedAt);
    assert.deepEqual(await sdk.users.getUser(ADA), changed);
    await waitFor("both events arrive", () => received.length === count + 2);
    const bodies = received.slice(count).map(({ body }) => JSON.parse(body));
    const last = bodies.find(({ data }) => data.updated_at === changed.updatedAt);
    assert.deepEqual([last.type, last.data.id], ["user.updated", ADA]);
    assert.deepEqual(last.data.public_metadata, changed.publicMetadata);
    const back = { publicMetadata: { plan: null, roles: ["admin"] } };
    const restored = await sdk.users.updateUserMetadata(ADA, back);
    assert.deepEqual(restored.publicMetadata, before.publicMetadata);
    await waitFor("its event arrives", () => received.length === count + 3);
    await assert.rejects(sdk.users.updateUserMetadata("user_2gone", back), refusal(404));
    const unknown = refusal(401, "clerk_key_invalid");
    await assert.rejects(stranger.users.updateUserMetadata(ADA, back), unknown);
    const wrong = { publicMetadata: "admin" };
    const invalid = refusal(422, "form_param_value_invalid");
    await assert.rejects(sdk.users.updateUserMetadata(ADA, wrong), invalid);
    assert.equal(received.length, count + 3);
  });

  it("returns errors of the Backend API as the SDK expects them", async () => {
    await assert.rejects(sdk.users.getUser("user_2gone"), refusal(404));
    await assert.rejects(stranger.users.getUser(ADA), refusal(401, "clerk_key_invalid"));
    const invalid = refusal(422, "form_param_value_invalid");
    await assert.rejects(sdk.users.getUserList({ startingAfter: ADA, offset: 1 }), invalid);
    const ways = { method: "PUT", headers: { "content-type": "application/json" } };
    const limit = async (limit_every) => {
      const body = JSON.stringify({ limit_every });
      assert.equal((await fetch(`${clerk.url}/local/faults`, { ...ways, body })).status, 200);
    };
    await limit(1);
    try {
      await assert.rejects(sdk.users.getUser(ADA), (error) => {
        assert.equal(error.retryAfter, 1);
        return refusal(429, "too_many_requests")(error);
      });
    } finally {
      await limit(0);
    }
    assert.equal((await sdk.users.getUser(ADA)).id, ADA);
  });

  it("is one instance, in its key and in its webhooks", async () => {
    const { keys: [{ kid }] } = await sdk.jwks.getJwks();
    assert.match(kid, /^ins_[0-9A-Za-z]{27}$/);
    await post("/local/day/grant", {});
    assert.equal(JSON.parse(received.at(-1).body).instance_id, kid);
  });

  it("delivers valid webhooks, and invalid ones on request", async () => {
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
    assert.ok(0 < refused, "a day must have forged deliveries");
    // Each kind of forgery, beside a valid delivery.
    const sent = async (faults) => {
      await post("/local/deliveries", { type: "user.updated", data: { id: ADA }, faults });
      return verified(received.at(-1));
    };
    assert.equal((await sent({})).data.id, ADA);
    const forgeries = await (await fetch(`${clerk.url}/local/deliveries/wrong`)).json();
    for (const tamper of forgeries) await assert.rejects(sent({ tamper }), tamper);
    assert.ok(5 < forgeries.length);
    assert.ok(10 < events, `${events}`);
  });
});
