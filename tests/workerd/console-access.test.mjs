// Who may see and who may change what in the operators' console: assertions of Cloudflare Access,
// operators' tokens, the cookie of `/sign-in`, and what of Clerk's does not open it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  AUD, HOST, LOOKER, METRICS_TOKEN, OPERATOR, SAME_ORIGIN, SECOND_TOKEN, TOKEN,
  assertion, assertionClaims, ask as send, settingsOf, withAssertion,
} from "./support/console.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import {
  HEADER, bearer, compact, makeKey, mint, serveJwks,
} from "./support/sessions.mjs";
import {
  CLASSES, REFUSED, byHmac, forged, secretsOfPublicKey, shapes,
} from "./support/token-cases.mjs";

const API = "/api/v1";

/** `GET` routes for callers who may look; each answers 200 in an empty database. */
const LOOK = [
  "whoami", "overview", "dead-letters", "dead-letters/matrix", "dead-letters/export", "replays",
  "audit", "audit/head",
].map((path) => `${API}/${path}`);

/** Routes of one thing, which is not there. */
const NOT_FOUND = ["dead-letters/m1", "replays/replay_1", "replays/replay_1/letters"]
  .map((path) => `${API}/${path}`);

/** Shapes whose fault is in a claim that only Clerk's tokens have: Access replaces it. */
const CLERK_ALONE = [
  "pending_session", "sub_machine", "sub_missing", "azp_mismatch",
  "azp_missing_with_authorizedParties", "azp_missing_no_authorizedParties", "iss_mismatch",
];

describe("the operators' console", () => {
  let team;
  let down;
  let issuer;
  let system;

  before(async () => {
    team = await serveJwks();
    down = await serveJwks();
    down.answer = (_, response) => response.writeHead(500).end("no");
    issuer = new URL(team.url).origin;
    const full = settingsOf(issuer);
    const console_ = (name, bindings) => workerOf("console", { name, bindings });
    const { OPERATOR_TOKEN, ...access } = full;
    system = await startDirect([
      workerOf("durable"),
      console_("full", full),
      console_("access-alone", access),
      console_("token-alone", { OPERATOR_TOKEN: TOKEN }),
      console_("nothing", {}),
      console_("metrics-alone", { METRICS_TOKEN }),
      console_("short", { OPERATOR_TOKEN: `${TOKEN} short` }),
      console_("half", { ACCESS_TEAM_DOMAIN: issuer }),
      console_("nobody", { ...full, OPERATORS: "ada@example.com; bob@example.com" }),
      console_("down", { ...full, ACCESS_TEAM_DOMAIN: new URL(down.url).origin }),
    ]);
  });
  after(async () => {
    await system?.stop();
    await Promise.all([team, down].map((server) => server?.close()));
  });

  /** The answer of a Worker, with checks of the rules for all answers. */
  async function ask(name, path, how = {}) {
    const answer = await send(await system.url(name), path, how);
    const place = `${name} ${how.method ?? "GET"} ${path}`;
    assert.equal(answer.headers.get("cache-control"), "private, no-store", place);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", place);
    assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'none'/, place);
    if (answer.headers.get("content-type")?.startsWith("application/json")) {
      answer.json = JSON.parse(answer.text || "null");
    }
    return answer;
  }

  const look = (name, headers, path = `${API}/whoami`) => ask(name, path, { headers });

  async function isRefused(answer, status, error, place) {
    assert.equal(answer.status, status, `${place}: ${answer.text}`);
    assert.equal(answer.json.error, error, place);
    assert.ok(answer.json.message && answer.json.next, place);
  }

  it("A-1 lets in a person that Access let in, and keeps the name of the one who acts", async () => {
    const sub = "7335d417-61da-459d-899c-0a01c76a2f94";
    const names = () => system.sql("SELECT actor, name FROM operator_names");
    for (const [email, may_change] of [["ADA@example.com", true], [LOOKER, false]]) {
      const answer = await look("full", withAssertion(assertion(issuer, { email, sub })));
      assert.equal(answer.status, 200, answer.text);
      const { actor, name } = answer.json;
      assert.deepEqual({ actor, name }, { actor: `access:${sub}`, name: email.toLowerCase() });
      assert.equal(answer.json.may_change, may_change);
    }
    assert.deepEqual(await names(), [], "who looks is not in the trail");
    // The second one is of the same isolate and actor: its name is not written again.
    for (const [email, status] of [[OPERATOR, 415], [LOOKER, 403]]) {
      const headers = { ...SAME_ORIGIN, ...withAssertion(assertion(issuer, { email, sub })) };
      const answer = await ask("full", `${API}/replays`, { method: "POST", headers });
      assert.equal(answer.status, status, answer.text);
    }
    assert.deepEqual(await names(), [{ actor: `access:${sub}`, name: OPERATOR }]);
  });

  it("A-1 refuses an assertion that is missing, old, foreign, a program's, or in a cookie", async () => {
    const now = Math.floor(Date.now() / 1000);
    const header = (claims) => withAssertion(assertion(issuer, claims));
    const cases = {
      "no assertion": [{}, 401, "signed-out"],
      "an empty one": [{ "cf-access-jwt-assertion": "" }, 401, "invalid-assertion"],
      expired: [header({ exp: now - 6 }), 401, "invalid-assertion"],
      endless: [header({ exp: undefined }), 401, "invalid-assertion"],
      "not valid yet": [header({ nbf: now + 60 }), 401, "invalid-assertion"],
      "another application": [header({ aud: ["0".repeat(64)] }), 401, "invalid-assertion"],
      "no application": [header({ aud: undefined }), 401, "invalid-assertion"],
      "another team": [header({ iss: "https://evil.cloudflareaccess.com" }), 401, "invalid-assertion"],
      "the team's own session": [header({ type: "org" }), 401, "invalid-assertion"],
      "a service token": [
        header({ aud: AUD, sub: "", email: undefined, common_name: "x.access" }), 403, "service-token",
      ],
      "no sub": [header({ sub: undefined }), 403, "service-token"],
      "in the cookie alone": [
        { cookie: `CF_Authorization=${assertion(issuer)}` }, 401, "signed-out",
      ],
      "as a bearer": [bearer(assertion(issuer)), 401, "invalid-token"],
      "another key": [
        withAssertion(assertion(issuer, {}, { signer: makeKey() })), 401, "invalid-assertion",
      ],
    };
    for (const [name, [headers, status, error]] of Object.entries(cases)) {
      await isRefused(await look("access-alone", headers), status, error, name);
    }
    // Whatever the header says, an invalid one is not replaced by another credential.
    const both = { ...header({ exp: now - 60 }), cookie: `CF_Authorization=${assertion(issuer)}` };
    await isRefused(await look("full", both), 401, "invalid-assertion", "both");
  });

  it("A-1 J-1 J-9 J-11 J-18 gives every shape of a token the session verifier's result", async () => {
    const change = ({ exp, nbf, iat }) => ({ ...assertionClaims(issuer), exp, nbf, iat });
    const all = shapes(change);
    assert.ok(20 < all.length);
    let accepted = 0;
    for (const { name, made } of all) {
      const answer = await look("access-alone", withAssertion(made(Math.floor(Date.now() / 1000))));
      const is_refused = name in REFUSED && !CLERK_ALONE.includes(name);
      assert.equal(answer.status, is_refused ? 401 : 200, `${name}: ${answer.text}`);
      accepted += Number(!is_refused);
    }
    assert.ok(3 < accepted && accepted < all.length, `${accepted}`);
  });

  it("A-1 J-2 J-4 J-13 refuses an assertion that is forged or of another class", async () => {
    const claims = () => assertionClaims(issuer);
    const tokens = Object.entries(forged(claims)).map(([name, make]) => [name, make()]);
    for (const [name, secret] of Object.entries(secretsOfPublicKey())) {
      tokens.push([`HS256 by ${name}`, byHmac(secret, claims())]);
    }
    for (const [header] of CLASSES) {
      tokens.push([JSON.stringify(header), compact({ ...HEADER, ...header }, claims())]);
    }
    for (const [name, token] of tokens) {
      const answer = await look("access-alone", withAssertion(token));
      await isRefused(answer, 401, "invalid-assertion", name);
    }
    const good = compact(HEADER, claims());
    assert.equal((await look("access-alone", withAssertion(good))).status, 200);
  });

  it("A-1 J-6 fetches the keys once for many unknown ones, and answers 503 without any", async () => {
    const { hits } = team;
    const unknown = (n) => withAssertion(assertion(issuer, {}, { header: { kid: `unknown-${n}` } }));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => look("full", unknown(n))));
    for (const answer of answers) await isRefused(answer, 401, "invalid-assertion", "unknown key");
    assert.ok(team.hits - hits <= 2, `${team.hits - hits} fetches`);
    const elsewhere = assertion(new URL(down.url).origin);
    const answer = await look("down", withAssertion(elsewhere));
    await isRefused(answer, 503, "keys-unavailable", "down");
    assert.ok(answer.headers.get("retry-after"));
  });

  it("A-2 has no address under workers.dev and no previews, and any host asks for a credential", async () => {
    const { default: wrangler } = await import("wrangler");
    const { readFileSync } = await import("node:fs");
    const { ROOT } = await import("./support/system.mjs");
    const file = `${ROOT}/wrangler.toml`;
    const envs = [...readFileSync(file, "utf8").matchAll(/^\[env\.(\w+)\]$/gm)].map(([, env]) => env);
    assert.ok(envs.includes("console") && 4 < envs.length, `${envs}`);
    for (const env of envs) {
      const config = wrangler.unstable_readConfig({ config: file, env });
      assert.equal(config.workers_dev, false, `${env}: workers_dev`);
      assert.equal(config.preview_urls, false, `${env}: preview_urls`);
    }
    for (const host of ["rolecall-console.team.workers.dev", "abc-rolecall-console.team.workers.dev", "x"]) {
      for (const path of LOOK) {
        await isRefused(await look("full", { host }, path), 401, "signed-out", `${host}${path}`);
      }
    }
  });

  it("A-3 is not opened by anything of Clerk's", async () => {
    const admin = { claims: { o: { id: "org_1", rol: "admin", per: "all" }, org_role: "org:admin" } };
    const token = mint("user_2Admin", admin);
    const cases = [
      [bearer(token), "invalid-token"],
      [withAssertion(token), "invalid-assertion"],
      [{ cookie: `__session=${token}; __client_uat=1` }, "signed-out"],
      [{ cookie: `__session_abcdefgh=${token}` }, "signed-out"],
      [{ cookie: `__Host-rolecall-operator=${token}` }, "invalid-token"],
    ];
    for (const [headers, error] of cases) {
      for (const path of [...LOOK, ...NOT_FOUND]) {
        await isRefused(await look("full", headers, path), 401, error, path);
      }
    }
  });

  it("is opened by each token of OPERATOR_TOKEN, and by no other", async () => {
    const actors = [];
    for (const token of [TOKEN, SECOND_TOKEN]) {
      const { status, json } = await look("full", bearer(token));
      assert.equal(status, 200);
      assert.match(json.actor, /^token:[0-9a-f]{8}$/);
      assert.equal(json.may_change, true);
      actors.push(json.actor);
    }
    assert.notEqual(...actors);
    for (const path of LOOK) assert.equal((await look("full", bearer(TOKEN), path)).status, 200, path);
    for (const path of NOT_FOUND) {
      await isRefused(await look("full", bearer(TOKEN), path), 404, "not-found", path);
    }
    for (const wrong of ["", "x", TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase(), METRICS_TOKEN]) {
      await isRefused(await look("full", bearer(wrong)), 401, "invalid-token", wrong);
    }
    await isRefused(await look("token-alone", bearer(SECOND_TOKEN)), 401, "invalid-token", "second");
    // Without Access an assertion is no credential.
    const answer = await look("token-alone", withAssertion(assertion(issuer)));
    await isRefused(answer, 401, "signed-out", "an assertion");
  });

  it("is closed while nothing is set, and says what to set", async () => {
    for (const name of ["nothing", "metrics-alone"]) {
      for (const headers of [{}, bearer(TOKEN), withAssertion(assertion(issuer))]) {
        const answer = await look(name, headers);
        await isRefused(answer, 503, "not-configured", name);
        assert.match(answer.json.next, /ACCESS_TEAM_DOMAIN.*ACCESS_AUD.*OPERATOR_TOKEN/);
      }
      const { status, json } = await ask(name, "/healthz");
      assert.equal(status, 503);
      assert.match(json.mistakes.join(), /OPERATOR_TOKEN is not set/);
    }
  });

  it("disables what an invalid setting concerns, and names it in /healthz", async () => {
    const cases = { short: "OPERATOR_TOKEN is invalid", half: "ACCESS_AUD is not set", nobody: "OPERATORS" };
    for (const [name, mistake] of Object.entries(cases)) {
      const { status, json, text } = await ask(name, "/healthz");
      assert.equal(status, 503, name);
      assert.ok(json.mistakes.some((line) => line.startsWith(mistake)), text);
      assert.ok(!text.includes("0123456789") && !text.includes("example.com"), text);
    }
    await isRefused(await look("short", bearer(TOKEN)), 503, "not-configured", "short");
    const caller = await look("nobody", withAssertion(assertion(issuer)));
    assert.deepEqual([caller.status, caller.json.may_change], [200, false]);
    assert.equal((await ask("full", "/healthz")).status, 200);
  });

  it("opens /metrics with METRICS_TOKEN alone, which opens nothing else", async () => {
    const metrics = (name, headers) => look(name, headers, "/metrics");
    const classic = await metrics("full", bearer(METRICS_TOKEN));
    assert.equal(classic.status, 200, classic.text);
    assert.match(classic.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
    assert.match(classic.text, /^rolecall_dead_letters\{state="parked",reason="malformed"\} 0$/m);
    const accept = "application/openmetrics-text; version=1.0.0,text/plain;q=0.5";
    const open = await metrics("full", { ...bearer(METRICS_TOKEN), accept });
    assert.match(open.headers.get("content-type"), /^application\/openmetrics-text/);
    assert.ok(open.text.endsWith("# EOF\n"), open.text);
    for (const headers of [bearer(TOKEN), bearer("x"), withAssertion(assertion(issuer)), {}]) {
      assert.equal((await metrics("full", headers)).status, 401);
    }
    assert.equal((await metrics("token-alone", bearer(TOKEN))).status, 503);
    for (const path of LOOK) {
      await isRefused(await look("full", bearer(METRICS_TOKEN), path), 401, "invalid-token", path);
    }
  });

  const FORM = "2f1d5a3c-7d0b-4c57-9c1f-5a0f6a4f2b11";

  /** Sends a form of the console's own page. */
  function form(path, fields, headers = {}) {
    const own = {
      ...SAME_ORIGIN, cookie: `__Host-rolecall-form=${FORM}`,
      "content-type": "application/x-www-form-urlencoded",
    };
    const body = new URLSearchParams({ form_token: FORM, ...fields }).toString();
    return ask("full", path, { method: "POST", body, headers: { ...own, ...headers } });
  }

  it("signs a browser in by a form, with a cookie that is not the token", async () => {
    const answer = await form("/sign-in", { token: ` ${TOKEN} ` });
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, "/"], answer.text);
    const line = answer.headers.get("set-cookie");
    for (const part of ["__Host-", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]) {
      assert.ok(line.includes(part), line);
    }
    assert.ok(!line.includes(TOKEN));
    const [cookie] = line.split(";");
    const { status, json } = await look("full", { cookie });
    assert.deepEqual([status, json.may_change], [200, true]);
    // It is that of another token, or of none, elsewhere.
    assert.equal((await look("access-alone", { cookie })).status, 401);
    for (const changed of [cookie.slice(0, -1), cookie.replace("v1.", "v1.9")]) {
      await isRefused(await look("full", { cookie: changed }), 401, "invalid-token", changed);
    }
    const out = await form("/sign-out", {});
    assert.match(out.headers.get("set-cookie"), /^__Host-rolecall-operator=; .*Max-Age=0$/);
  });

  it("A-11 takes no form of another site, and none without its page's token", async () => {
    const cases = [
      [{ token: "x" }, {}, 401],
      [{ token: METRICS_TOKEN }, {}, 401],
      [{ token: TOKEN, form_token: "" }, {}, 403],
      [{ token: TOKEN, form_token: FORM.replace("2", "3") }, {}, 403],
      [{ token: TOKEN }, { cookie: "" }, 403],
      [{ token: TOKEN }, { origin: "https://evil.example" }, 403],
      [{ token: TOKEN }, { origin: "null" }, 403],
      [{ token: TOKEN }, { "sec-fetch-site": "cross-site" }, 403],
      [{ token: TOKEN }, { "sec-fetch-site": "same-site" }, 403],
      [{ token: TOKEN }, { "content-type": "text/plain" }, 415],
      [{ token: "x".repeat(70_000) }, {}, 413],
    ];
    for (const [fields, headers, status] of cases) {
      const answer = await form("/sign-in", fields, headers);
      assert.equal(answer.status, status, JSON.stringify([fields, headers]).slice(0, 200));
      // A page gives a browser its form token; nothing signs it in.
      assert.ok(!answer.headers.get("set-cookie")?.includes("rolecall-operator"));
    }
  });

  it("A-11 changes nothing by GET, and answers other methods with 405", async () => {
    const tables = (await system.sql("SELECT name FROM sqlite_master WHERE type = 'table'"))
      .map(({ name }) => name).filter((name) => !name.startsWith("_") && name !== "sqlite_sequence");
    const dump = async () => {
      const rows = tables.map((name) => system.sql(`SELECT * FROM "${name}"`));
      return JSON.stringify(await Promise.all(rows));
    };
    assert.ok(10 < tables.length);
    const before = await dump();
    const person = { sub: "0c1c7d60-3f0b-4c4e-8c0e-6a4f1c0f7c55" };
    for (const path of LOOK) {
      const headers = withAssertion(assertion(issuer, person));
      assert.equal((await ask("full", path, { headers })).status, 200, path);
    }
    for (const path of [...LOOK, ...NOT_FOUND, "/healthz", "/metrics"]) {
      const headers = bearer(path === "/metrics" ? METRICS_TOKEN : TOKEN);
      for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        const { status, text } = await ask("full", path, { method, headers });
        const is_read = method === "GET" || method === "HEAD";
        assert.ok(is_read ? status !== 405 : status === 405, `${method} ${path}: ${status}`);
        if (method === "HEAD") assert.equal(text, "");
      }
    }
    assert.equal(await dump(), before);
  });

  it("takes no query that it does not know, and no path in another spelling", async () => {
    for (const path of LOOK) {
      await isRefused(await look("full", bearer(TOKEN), `${path}?x=1`), 400, "invalid", path);
    }
    for (const query of ["limit=0", "limit=101", "cursor=x", "state=lost", "reason=", "after=x", "reason=a&reason=b"]) {
      const path = `${API}/dead-letters?${query}`;
      await isRefused(await look("full", bearer(TOKEN), path), 400, "invalid", path);
    }
    for (const path of [`${API}/whoami/`, `/${API}/whoami`, `${API}/audit%2fhead`, "/api/v2/whoami"]) {
      assert.equal((await look("full", bearer(TOKEN), path)).status, 404, path);
    }
  });

  it("A-7 writes refused attempts into the trail, without personal data, and not all of a flood", async () => {
    const entries = async () => (await look("full", bearer(TOKEN), `${API}/audit?after=0&limit=100`)).json;
    const { entries: all, head } = await entries();
    const refused = all.filter(({ action }) => action.startsWith("refused:"));
    assert.ok(3 < refused.length, JSON.stringify(all));
    const text = JSON.stringify(refused);
    for (const secret of [TOKEN, OPERATOR, LOOKER, HOST, "127.0.0.1", "user_2Admin"]) {
      assert.ok(!text.includes(secret), secret);
    }
    let prev = "";
    for (const [at, entry] of all.entries()) {
      assert.deepEqual([entry.seq, entry.prev], [at + 1, prev]);
      prev = entry.hash;
    }
    if (all.length < 100) assert.deepEqual(head, { seq: all.length, hash: prev });
    const flood = Array.from({ length: 60 }, () => look("full", bearer("x")));
    await Promise.all(flood);
    const { head: later } = await entries();
    // At most thirty a minute and isolate, in two minutes at most.
    assert.ok(later.seq - head.seq <= 60, `${later.seq - head.seq}`);
    // A caller without any credential has attempted nothing.
    await Promise.all(Array.from({ length: 5 }, () => look("full", {})));
    assert.equal((await entries()).head.seq, later.seq);
  });

});
