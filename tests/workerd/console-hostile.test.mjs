// Hostile values, bodies and crowds against the operators' console: what is stored is shown as text
// only, what is ambiguous is refused, and writers that meet at the head of the audit trail all get
// through.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  LOOKER, SAME_ORIGIN, TOKEN, ask as send, assertion, settingsOf, withAssertion,
} from "./support/console.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { bearer, serveJwks } from "./support/sessions.mjs";

const API = "/api/v1";

/** Ends an attribute or a text, and begins elements, in every way that HTML has. */
const EVIL = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&quot;\u2028\u202e{{7*7}}`;

/** A plan that chooses nothing. */
const PLAN = { action: "replay", filter: { reason: "shape" }, reason: "a test" };

describe("the operators' console under attack", () => {
  let team;
  let issuer;
  let system;

  before(async () => {
    team = await serveJwks();
    issuer = new URL(team.url).origin;
    const bindings = settingsOf(issuer);
    system = await startDirect([workerOf("durable"), workerOf("console", { bindings })]);
  });
  after(async () => {
    await system?.stop();
    await team?.close();
  });

  async function ask(path, { headers = bearer(TOKEN), ...how } = {}) {
    return send(await system.url("rolecall-console"), path, { headers, ...how });
  }

  function post(path, body, headers = {}) {
    const all = { ...bearer(TOKEN), "content-type": "application/json", ...headers };
    return ask(path, { method: "POST", body, headers: all });
  }

  it("S-13 shows every stored value as text, in each page", async () => {
    const evil = `'${EVIL.replaceAll("'", "''")}'`;
    await system.sql(`
      INSERT INTO dead_letters
        (message_id, queue, svix_id, type, subject, reason, detail, attempts, first_seen_at,
         last_seen_at, envelope, state, state_at, digest)
      VALUES (${Array(7).fill(evil)}, 1, 1000, 2000, ${evil}, 'parked', 2000, '')`);
    await system.sql(`INSERT INTO operator_names (actor, name, seen_at) VALUES (${evil}, ${evil}, 1)`);
    await system.sql(`
      INSERT INTO audit (id, at, actor, action, target, detail, seq, prev, hash)
      VALUES ('1', 1, ${evil}, ${evil}, ${evil}, json_object(${evil}, ${evil}), 1, '', 'h')`);
    await system.sql(`
      INSERT INTO deliveries
        (svix_id, type, subject, outcome, attempted_at, received_at, applied_at, body_digest, note)
      VALUES ('msg_1', ${evil}, ${evil}, 'ignored', 1, 1, 1, 'd', ${evil})`);
    const body = JSON.stringify({ ...PLAN, filter: { ids: [EVIL] }, reason: EVIL.replace("\u2028", "") });
    const planned = await post(`${API}/replays`, body);
    assert.equal(planned.status, 200, planned.text);
    const { id, total } = JSON.parse(planned.text);
    assert.equal(total, 1);
    const it_ = encodeURIComponent(EVIL);
    const pages = [
      "/", "/dead-letters", `/dead-letters/${it_}`, `/dead-letters?reason=${it_}&type=${it_}&subject=${it_}`,
      `/replays/new?id=${it_}`, `/replays/new?reason=${it_}&type=${it_}&subject=${it_}`, "/replays",
      `/replays/${id}`, `/replays/${it_}`, "/audit", `/audit?target=${it_}`, `/explain?id=${it_}`,
      "/explain?id=msg_1", `/users/${it_}`, `/${it_}`, `/?${it_}`,
    ];
    for (const page of pages) {
      const { status, text, headers } = await ask(page);
      assert.ok(status < 500, `${page}: ${status}`);
      assert.match(headers.get("content-type"), /^text\/html/, page);
      assert.ok(!/<script>|<img|[^;]"'|&quot;\u2028/.test(text), `${page}: ${text}`);
      assert.match(headers.get("content-security-policy"), /script-src 'self'.*base-uri 'none'; frame-ancestors 'none'/);
    }
    assert.ok((await ask("/dead-letters")).text.includes("&#60;script&#62;"));
    const lines = (await ask(`${API}/dead-letters/export`)).text.trim().split("\n");
    assert.deepEqual(lines.map((line) => JSON.parse(line).envelope), [EVIL, undefined]);
    await system.sql("DELETE FROM dead_letters");
  });

  it("takes no body in which a member is twice, at any depth, or in another spelling", async () => {
    const bodies = [
      '{"action":"replay","filter":{"all":true},"filter":{"reason":"x"},"reason":"x"}',
      '{"action":"replay","filter":{"reason":"x","reason":"y"},"reason":"x"}',
      '{"action":"replay","fil\\u0074er":{"all":true},"filter":{"reason":"x"},"reason":"x"}',
      '{"action":"replay","filter":{"reason":"x","Subject":"y"},"reason":"x"}',
      '["replay",{"reason":"x"},"x"]',
      `{"filter":${'{"ids":'.repeat(8000)}`,
    ];
    for (const body of bodies) {
      const { status, text } = await post(`${API}/replays`, body);
      assert.deepEqual([status, JSON.parse(text).error], [400, "invalid"], body.slice(0, 80));
    }
    const role = '{"role":"a","granted":false,"granted":true,"reason":"x"}';
    assert.equal((await post(`${API}/users/user_1/roles`, role)).status, 400);
  });

  it("A-7 lets every writer of a crowd through, and chains the entry of each", async () => {
    const head = async () => JSON.parse((await ask(`${API}/audit/head`)).text);
    const { seq } = await head();
    const refused = withAssertion(assertion(issuer, { email: LOOKER }));
    const all = await Promise.all(Array.from({ length: 24 }, (_, n) => Promise.all([
      post(`${API}/replays`, JSON.stringify(PLAN), { "idempotency-key": `crowd-${n % 12}` }),
      n % 4 === 0 ? post(`${API}/replays`, "{}", { authorization: [], ...SAME_ORIGIN, ...refused }) : null,
    ])));
    const ids = new Set();
    for (const [plan, none] of all) {
      assert.equal(plan.status, 200, plan.text);
      ids.add(JSON.parse(plan.text).id);
      if (none) assert.equal(none.status, 403, none.text);
    }
    assert.equal(ids.size, 12, "one plan for each key");
    const rows = await system.sql(`SELECT action, count(*) AS n FROM audit WHERE seq > ${seq} GROUP BY action`);
    const counts = Object.fromEntries(rows.map(({ action, n }) => [action, n]));
    assert.equal(counts["replays.created"], 12, JSON.stringify(counts));
    assert.equal(counts["refused:may-not-change"], 6, JSON.stringify(counts));
    assert.equal((await head()).seq, seq + rows.reduce((sum, { n }) => sum + n, 0));
  });
});
