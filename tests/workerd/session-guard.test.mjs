// What a session adds to the roles: impersonation, reverification and the active organization; and
// that a token is judged alike wherever it is sent.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";

import { DOCUMENT, checkResponse, comparable } from "./support/answers.mjs";
import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { controlledRoleCaches, startDirect, workerOf } from "./support/direct.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { start } from "./support/system.mjs";
import { FORGED, shapes } from "./support/token-cases.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

describe("a session at the guard", () => {
  const [admin, banned, actor] = ["user", "user", "user"].map(clerk.newId);
  const org = clerk.newId("org");
  let system;

  before(async () => {
    system = await start();
    const roles = { public_metadata: { roles: ["admin", "editor"] } };
    const permissions = ["org:posts:read", "org:sys_memberships:manage"];
    const joins = { org, user: admin, role: "org:admin", permissions };
    const events = [
      clerk.user(admin, roles),
      clerk.user(banned, { banned: true, ...roles }),
      clerk.organization(org),
      clerk.membership(clerk.newId("orgmem"), joins),
    ];
    const taken = [];
    for (const event of events) taken.push(await deliver(system.ingest, event));
    for (const delivery of taken) await system.waitForOutcome(delivery);
  });
  after(() => system?.stop());

  /** Returns the response for a token or without one, and checks the rules for all responses. */
  async function ask(token, path, { headers = {}, ...how } = {}) {
    const all = { headers: { ...headers, ...(token === null ? {} : bearer(token)) }, ...how };
    return checkResponse(await system.get(null, path, all), path);
  }

  const status = async (token, path, how) => (await ask(token, path, how)).status;

  // A colleague's id and a support address: Clerk accepts any string.
  const actors = { "a user": actor, "an address": "support.desk@corp.example" };
  for (const [kind, sub] of Object.entries(actors)) {
    it(`J-22 of an impersonator (${kind}) shows no administrative page`, () => isWithheld(sub));
  }

  async function isWithheld(sub) {
    const act = { iss: "https://dashboard.clerk.com", sid: "sess_2Support", sub };
    const [own, impersonated] = [mint(admin), mint(admin, { claims: { act } })];
    const administrative = ["/admin", `/orgs/${org}/settings`];
    for (const path of administrative) {
      assert.equal(await status(own, path), 200, path);
      const refused = await ask(impersonated, path, { headers: DOCUMENT });
      assert.equal(refused.status, 403, path);
      // One response for every 403.
      const lacking = await ask(mint(actor), path, { headers: DOCUMENT });
      assert.deepEqual(comparable(refused), comparable(lacking), path);
    }
    const questions = [
      "role=admin", `role=org:admin&org=${org}`,
      `permission=org:sys_memberships:manage&org=${org}`, "role=admin&role=nobody&any=1",
    ];
    for (const question of questions) {
      assert.equal(await status(own, `/api/check?${question}`), 200, question);
      assert.equal(await status(impersonated, `/api/check?${question}`), 403, question);
    }
    for (const path of ["/dashboard", `/orgs/${org}`]) {
      const { status, text } = await ask(impersonated, path);
      assert.equal(status, 200, path);
      assert.match(text, new RegExp(`role="note".*Impersonated.*${sub}.*${admin}`), path);
      assert.ok(!(await ask(own, path)).text.includes("Impersonated"), path);
    }
    assert.equal(await status(impersonated, "/api/check?role=editor"), 200);
    const me = JSON.parse((await ask(impersonated, "/api/me")).text);
    assert.deepEqual([me.user_id, me.actor_id], [admin, sub]);
    assert.ok(!("actor_id" in JSON.parse((await ask(own, "/api/me")).text)));
    // The log has a user's id only.
    const named = sub.startsWith("user_") ? sub : "hidden";
    const line = () => system.logs().split("\n")
      .find((it) => it.includes("while impersonating") && it.includes(`"actor":"${named}"`));
    await waitFor("it is logged with both", line);
    const { user_id: user, actor: who } = JSON.parse(line());
    assert.deepEqual([user, who], [admin, named]);
  }

  it("J-22 that is pending is signed out", async () => {
    const pending = mint(admin, { claims: { sts: "pending" } });
    for (const path of ["/dashboard", "/admin", "/api/me", "/api/check?role=member"]) {
      for (const headers of [{}, DOCUMENT]) {
        const nobody = comparable(await ask(null, path, { headers }));
        assert.deepEqual(comparable(await ask(pending, path, { headers })), nobody, path);
      }
    }
  });

  it("J-16 is checked for reverification, and without factor ages it is denied", async () => {
    const with_ = (fva) => mint(admin, { claims: { fva } });
    const check = async (fva, query) => {
      const { status, text } = await ask(with_(fva), `/api/check?${query}`);
      const { allowed, version, source, age_ms } = JSON.parse(text);
      assert.equal(allowed, status === 200, query);
      assert.ok(0 < version && 0 <= age_ms && source, query);
      return status;
    };
    const asked = [
      ["reverification=strict", [9, -1], [10, -1]],
      ["reverification=strict", [99, 9], [0, 10]],
      ["reverification=strict_mfa", [9, 9], [9, 10]],
      ["reverification=moderate", [0, 59], [0, 60]],
      ["reverification=lax", [0, 1_439], [0, 1_440]],
      ["reverification=first_factor:5", [4, 99], [5, 0]],
      ["role=admin&reverification=strict", [0, 0], [0, 10]],
      [`permission=org:posts:read&org=${org}&reverification=strict`, [0, 0], [0, 10]],
      ["role=admin&role=nobody&any=1&reverification=strict", [0, 0], [0, 10]],
    ];
    for (const [query, young, old] of asked) {
      assert.equal(await check(young, query), 200, `${query} ${young}`);
      assert.equal(await check(old, query), 403, `${query} ${old}`);
      for (const fva of [undefined, null, [], [0], ["0", "0"], [-1, -1], "0,0", [0, 0, 0]]) {
        assert.equal(await check(fva, query), 403, `${query} ${JSON.stringify(fva)}`);
      }
    }
    assert.equal(await check([0, 0], "role=nobody&reverification=strict"), 403);
    for (const query of ["reverification=", "reverification=soon", "role=admin&reverification=1"]) {
      assert.equal(await status(with_([0, 0]), `/api/check?${query}`), 400, query);
    }
  });

  it("S-15 has an active organization, which grants nothing", async () => {
    const o = { id: org, rol: "admin", slg: "acme", per: "read,write", fpm: "3" };
    const claims = { o, fea: "o:posts" };
    const [inside, elsewhere] = [mint(admin, { claims }), mint(actor, { claims })];
    const me = JSON.parse((await ask(inside, "/api/me")).text);
    assert.equal(me.active_organization_id, org);
    assert.match((await ask(inside, "/dashboard")).text, /class="tag">Active</);
    assert.doesNotMatch((await ask(mint(admin), "/dashboard")).text, /class="tag">Active</);
    for (const path of [`/orgs/${org}`, `/orgs/${org}/settings`]) {
      assert.equal(await status(elsewhere, path), 403, path);
    }
    const question = (permission) => `/api/check?permission=org:posts:${permission}&org=${org}`;
    assert.equal(await status(inside, question("read")), 200);
    assert.equal(await status(inside, question("write")), 403);
    assert.equal(await status(elsewhere, question("read")), 403);
  });

  it("of a banned or deleted user gets version and age with the denial", async () => {
    for (const path of ["/api/me", "/api/check?role=admin"]) {
      const { status, text } = await ask(mint(banned), path);
      const { version, source, age_ms } = JSON.parse(text);
      assert.equal(status, 403, path);
      assert.ok(0 < version && 0 <= age_ms && ["fill", "object"].includes(source), path);
    }
  });

  it("J-15 is judged alike in every place, over five hundred queries", async () => {
    const now = () => Math.floor(Date.now() / 1000);
    const odd = [
      () => ({ sid: undefined }), () => ({ azp: undefined }), () => ({ exp: now() - 60 }),
      () => ({ nbf: now() + 60 }), () => ({ iat: now() + 60 }),
      ...[
        { iss: `${clerk.newId("x")}` }, { exp: "soon" }, { sts: "resting" }, { sub: "mch_1" },
        { act: {} }, { act: { sub: actor } }, { fva: "x" }, { o: "x" }, { v: 7 }, { org_id: 1 },
      ].map((claims) => () => claims),
    ].map((claims) => () => mint(admin, { claims: claims() }));
    const headers = [
      { alg: "none" }, { typ: "at+jwt" }, { cat: "cl_B7d4PD222AAA" }, { crit: [] }, { kid: "x" },
    ].map((header) => () => mint(admin, { header }));
    const steady = shapes().filter(({ name }) => !AT_AN_EDGE.includes(name));
    const shaped = steady.map((shape) => () => shape.made(now()));
    const good = Array.from({ length: 30 }, () => () => mint(admin));
    const makers = [...shaped, ...Object.values(FORGED), ...odd, ...headers, ...good];
    assert.ok(500 <= makers.length * 5);
    const ways = [
      ["GET", "/dashboard"], ["GET", "/admin"], ["GET", "/api/me"], ["GET", "/api/check?role=x"],
      ["POST", "/api/me"], ["HEAD", "/dashboard"],
    ];
    const verdicts = { in: 0, out: 0 };
    for (const make of makers) {
      const seen = await Promise.all(ways.map(async ([method, path]) => {
        // A new token for each query: it is valid for a minute, and the queries take longer.
        const token = make();
        const byHeader = classOf(await ask(token, path, { method }));
        // Only the token counts, not its place and not the client.
        const byCookie = { cookie: `__session=${token}` };
        for (const headers of [byCookie, { authorization: token }]) {
          if (!isCarried(token, headers)) continue;
          assert.deepEqual(classOf(await ask(null, path, { method, headers })), byHeader, token);
        }
        await asDocument(token, { method, path }, byHeader);
        return byHeader.status === 401 ? "out" : "in";
      }));
      assert.equal(new Set(seen).size, 1, `${seen} for ${make()}`);
      verdicts[seen[0]] += 1;
    }
    assert.ok(20 < verdicts.in && 20 < verdicts.out, JSON.stringify(verdicts));
  });

  /** Shapes whose result changes within a second: J-18 tests those with its own clock. */
  const AT_AN_EDGE = [
    "exp_within_skew", "exp_at_skew_boundary", "nbf_future_within_skew", "nbf_future", "iat_future",
  ];

  /** A response without the parts that change with time. */
  function classOf(answer) {
    const { status, headers, text } = comparable(answer);
    const length = ["content-length", "transfer-encoding"];
    const kept = headers.filter(([name]) => !length.includes(name));
    return { status, headers: kept, text: text.replace(/"(age_ms|source)":[^,}]*/g, '"$1":0') };
  }

  /** Returns whether a token can be in this place: without a scheme it must look like a token. */
  function isCarried(token, { authorization }) {
    if (!/^[\x21-\x3a\x3c-\x7e]+$/.test(token)) return false;
    return authorization === undefined || token.split(".").length === 3;
  }

  /** A page load gets the status of an API client, or a redirect to sign-in or to Clerk. */
  async function asDocument(token, { method, path }, { status }) {
    const isPage = method === "GET" && !path.startsWith("/api/");
    const byHeader = await ask(token, path, { method, headers: DOCUMENT });
    assert.equal(byHeader.status, status === 401 && isPage ? 302 : status, `${path} ${token}`);
    if (!isCarried(token, {})) return;
    const headers = { ...DOCUMENT, cookie: `__session=${token}` };
    const byCookie = await system.get(null, path, { method, headers });
    const sent = byCookie.status === 307 ? 302 : byCookie.status;
    assert.equal(sent, byHeader.status, `${path} ${token}`);
    if (byCookie.status === 307) assert.match(byCookie.headers.get("location"), HANDSHAKE, token);
  }

  const HANDSHAKE = /^https:\/\/[^/]+\/v1\/client\/handshake\?/;
});

describe("a guard and its role cache", () => {
  const objects = controlledRoleCaches();
  let system;

  before(async () => {
    const how = { bindings: PEM_VARS, durableObjects: undefined };
    const ssr = workerOf("ssr", { ...how, wrappedBindings: { ROLES: "controlled-role-caches" } });
    system = await startDirect([ssr, workerOf("durable"), objects.worker]);
  });
  after(() => system?.stop());

  it("C-7 returns version and age of a set that is too old", async () => {
    const set = { version: 7, standing: "live", roles: ["admin"], organizations: [] };
    const answer = { set, source: "object", age_ms: 60_001, good_for_ms: -1 };
    objects.trouble = () => ({ answer });
    const get = async (path) => {
      const headers = bearer(mint("user_2Stale"));
      return checkResponse(await wire(await system.url("rolecall-ssr"), path, { headers }), path);
    };
    for (const path of ["/api/me", "/api/check?role=admin"]) {
      const { status, text } = await get(path);
      const { age_ms, ...told } = JSON.parse(text);
      const expected = { error: "unavailable", source: "object", version: 7 };
      assert.deepEqual([status, told], [503, expected]);
      assert.ok(60_001 <= age_ms, path);
    }
    const page = await get("/admin");
    assert.equal(page.status, 503);
    assert.match(page.headers.get("content-type"), /^text\/html/);
  });

  it("S-14 decides before the first byte of the response", async () => {
    const user = clerk.newId("user");
    const set = { version: 1, standing: "live", roles: [], organizations: [] };
    for (const [roles, status] of [[["admin"], 200], [[], 403]]) {
      const answer = { set: { ...set, roles }, source: "object", age_ms: 0, good_for_ms: 60_000 };
      let decide;
      const asked = new Promise((arrived) => {
        objects.trouble = () => {
          arrived();
          return new Promise((done) => {
            decide = () => done({ answer });
          });
        };
      });
      const { hostname, port } = await system.url("rolecall-ssr");
      const socket = connect(port, hostname);
      let seen = "";
      socket.on("data", (bytes) => {
        seen += bytes;
      });
      const lines = [
        "GET /admin HTTP/1.1", "Host: app.example.com", "Connection: close",
        `Authorization: ${bearer(mint(user)).authorization}`, "", "",
      ];
      socket.write(lines.join("\r\n"));
      await asked;
      // Another page is sent completely meanwhile, so bytes of this one would have arrived.
      assert.equal((await wire(await system.url("rolecall-ssr"), "/healthz")).status, 200);
      assert.equal(seen, "");
      decide();
      await once(socket, "close");
      assert.match(seen, new RegExp(`^HTTP/1.1 ${status} `));
      assert.equal(seen.includes(user), status === 200);
    }
  });
});
