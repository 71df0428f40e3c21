// Replays through the console's API: a plan, its hash, and who may tell a replay what. The life of
// the letters, up to their outcome, is tested with the consumer.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import {
  LOOKER, METRICS_TOKEN, SAME_ORIGIN, TOKEN, assertion, ask as send, settingsOf, withAssertion,
} from "./support/console.mjs";
import { sinkOf, startDirect, workerOf } from "./support/direct.mjs";
import { bearer, mint, serveJwks } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const PATH = "/api/v1/replays";

const VERBS = ["apply", "continue", "pause", "resume", "cancel"];

/** The bytes of a message that a replay can send: of a type that is not synced. */
function envelope(id) {
  return JSON.stringify({
    v: 1, svix_id: id, attempted_at: 1000, received_at: 1000, event_at: null,
    body: createHash("sha256").update(id).digest("hex").slice(0, 32),
    type: "session.created", letter: "ignored",
  });
}

describe("replays by the console", () => {
  const received = [];
  let team;
  let issuer;
  let system;

  before(async () => {
    team = await serveJwks();
    issuer = new URL(team.url).origin;
    system = await startDirect([
      workerOf("durable"),
      workerOf("console", { bindings: settingsOf(issuer) }),
      sinkOf(received),
    ]);
  });
  after(async () => {
    await system?.stop();
    await team?.close();
  });

  /** Parks letters of their own subject, and returns it. */
  async function park(count) {
    const subject = `user_${randomUUID().replaceAll("-", "")}`;
    for (let n = 0; n < count; n += 1) {
      const id = `${subject}-${n}`;
      await system.sql(
        `INSERT INTO dead_letters (message_id, queue, svix_id, type, subject, reason, detail,
           attempts, first_seen_at, last_seen_at, envelope, state_at, digest)
         VALUES (?1, 'q', ?1, 'session.created', ?2, 'overloaded', 'd', 3, 1000, 2000, ?3, 2000, '')`,
        id, subject, envelope(id),
      );
    }
    return subject;
  }

  async function post(path, body, headers = bearer(TOKEN)) {
    const url = await system.url("rolecall-console");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const all = { "content-type": "application/json", ...headers };
    const answer = await send(url, path, { method: "POST", body: text, headers: all });
    return { ...answer, json: JSON.parse(answer.text) };
  }

  const planOf = (filter, more) => ({ action: "replay", filter, reason: "a test", ...more });

  const replays = async () => (await system.sql("SELECT count(*) AS n FROM replays"))[0].n;

  it("A-4 A-6 plans, answers one key with one plan, and sends only by its hash", async () => {
    const subject = await park(3);
    const before = await replays();
    const key = { ...bearer(TOKEN), "idempotency-key": randomUUID() };
    const first = await post(PATH, planOf({ subject }), key);
    assert.equal(first.status, 200, first.text);
    const { id, hash, state, total } = first.json;
    assert.deepEqual([state, total, hash.length > 0], ["planned", 3, true], first.text);
    const again = await post(PATH, planOf({ subject }), key);
    assert.deepEqual([again.json.id, await replays()], [id, before + 1]);
    const other = await post(PATH, planOf({ subject }, { reason: "another" }), key);
    assert.deepEqual([other.status, other.json.error], [409, "idempotency-key-reused"]);
    assert.deepEqual(received, [], "a plan sends nothing");
    const wrong = await post(`${PATH}/${id}/apply`, { hash: "0".repeat(64) });
    assert.deepEqual([wrong.status, wrong.json.error], [409, "plan-changed"]);
    const refused = await system.sql(
      "SELECT actor, action, detail FROM audit WHERE target = ?1 AND action LIKE 'refused:%'", id,
    );
    const [{ actor, action, detail }] = refused;
    assert.deepEqual([refused.length, action, actor], [1, "refused:plan-changed", first.json.actor]);
    assert.equal(JSON.parse(detail).route, "/replays/{id}/apply");
    const applied = await post(`${PATH}/${id}/apply`, { hash });
    assert.equal(applied.status, 200, applied.text);
    await waitFor("the letters are in the queue", async () => {
      await post(`${PATH}/${id}/continue`, "");
      return received.length === 3;
    });
    await post(`${PATH}/${id}/apply`, { hash });
    const rows = await system.sql("SELECT state FROM dead_letters WHERE subject = ?1", subject);
    assert.deepEqual(rows.map((row) => row.state), Array(3).fill("replaying"));
    const canceled = await post(`${PATH}/${id}/cancel`, "");
    assert.deepEqual([canceled.status, canceled.json.state], [200, "canceled"], canceled.text);
    const actions = await system.sql("SELECT DISTINCT action FROM audit WHERE target = ?1", id);
    for (const action of ["replays.created", "replays.applied"]) {
      assert.ok(actions.some((row) => row.action === action), JSON.stringify(actions));
    }
    const [head] = await system.sql("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
    const line = await waitFor("the head is in the log", () =>
      system.logs().split("\n").find((text) => text.includes(head.hash)));
    assert.match(line, /audit trail extended/);
  });

  it("A-6 refuses a plan of everything by mistake, and a member that it does not know", async () => {
    const before = await replays();
    const cases = [
      [planOf({}), 400, "empty-filter"],
      [planOf({ all: true, reason: "x" }), 400, "all-and-filter"],
      [planOf({ reasn: "x" }), 400, "invalid"],
      [planOf({ subject: "x" }, { rates: 5 }), 400, "invalid"],
      [planOf({ subject: "x" }, { rate: 0 }), 400, "bad-rate"],
      [planOf({ subject: "x" }, { reason: "" }), 400, "bad-reason"],
      [planOf(["x"]), 400, "invalid"],
      [{ action: "destroy", filter: { subject: "x" }, reason: "x" }, 400, "invalid"],
      ["[]", 400, "invalid"],
      ["{", 400, "invalid"],
      ["", 400, "invalid"],
      [planOf({ ids: ["x".repeat(70_000)] }), 413, "too-large"],
    ];
    for (const [body, status, error] of cases) {
      const answer = await post(PATH, body);
      const place = `${JSON.stringify(body).slice(0, 100)}: ${answer.text}`;
      assert.deepEqual([answer.status, answer.json.error], [status, error], place);
    }
    const type = { ...bearer(TOKEN), "content-type": "text/plain" };
    assert.equal((await post(PATH, planOf({ subject: "x" }), type)).status, 415);
    const key = { ...bearer(TOKEN), "idempotency-key": "a b" };
    assert.equal((await post(PATH, planOf({ subject: "x" }), key)).json.error, "bad-idempotency-key");
    for (const verb of VERBS) {
      const answer = await post(`${PATH}/replay_x/${verb}`, verb === "apply" ? { hash: "x" } : "");
      assert.deepEqual([answer.status, answer.json.error], [404, "not-found"], verb);
    }
    assert.equal(await replays(), before);
  });

  it("A-3 A-11 takes a change only from an operator, on this site or with a token", async () => {
    const before = await replays();
    const by = (email) => withAssertion(assertion(issuer, { email }));
    const operator = by("bob@example.com");
    const cases = {
      "nobody": [{}, 401, "signed-out"],
      "a token of the metrics": [bearer(METRICS_TOKEN), 401, "invalid-token"],
      "Clerk's token": [bearer(mint("user_2Admin")), 401, "invalid-token"],
      "a looker": [{ ...by(LOOKER), ...SAME_ORIGIN }, 403, "may-not-change"],
      "an operator without headers": [operator, 403, "cross-site"],
      "no origin": [{ ...operator, "sec-fetch-site": "same-origin" }, 403, "cross-site"],
      "another origin": [{ ...operator, ...SAME_ORIGIN, origin: "https://evil.example" }, 403, "cross-site"],
      "a sibling": [{ ...operator, ...SAME_ORIGIN, "sec-fetch-site": "same-site" }, 403, "cross-site"],
      "a token from another site": [{ ...bearer(TOKEN), origin: "https://evil.example" }, 403, "cross-site"],
    };
    for (const [name, [headers, status, error]] of Object.entries(cases)) {
      for (const path of [PATH, ...VERBS.map((verb) => `${PATH}/replay_x/${verb}`)]) {
        const answer = await post(path, planOf({ subject: "x" }), headers);
        assert.deepEqual([answer.status, answer.json.error], [status, error], `${name} ${path}`);
      }
    }
    assert.equal(await replays(), before);
    const subject = await park(1);
    const done = await post(PATH, planOf({ subject }), { ...operator, ...SAME_ORIGIN });
    assert.equal(done.status, 200, done.text);
    assert.match(done.json.actor, /^access:/);
    const rows = await system.sql("SELECT actor, action FROM audit WHERE action = 'refused:may-not-change'");
    assert.ok(rows.length && rows.every(({ actor }) => actor.startsWith("access:")), JSON.stringify(rows));
  });

  it("discards with a reason, and pauses nothing that is at its end", async () => {
    const subject = await park(2);
    const { json } = await post(PATH, planOf({ subject }, { action: "discard", reason: "old" }));
    await post(`${PATH}/${json.id}/apply`, { hash: json.hash });
    await waitFor("it is done", async () => {
      const { json: now } = await post(`${PATH}/${json.id}/continue`, "");
      return now.state === "done";
    });
    const rows = await system.sql("SELECT state FROM dead_letters WHERE subject = ?1", subject);
    assert.deepEqual(rows.map((row) => row.state), ["discarded", "discarded"]);
    const { status } = await post(`${PATH}/${json.id}/pause`, "");
    assert.equal(status, 409);
  });
});
