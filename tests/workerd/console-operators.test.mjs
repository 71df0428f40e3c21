// Five operators at once, on the same letters and on the same replays.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { startNight } from "./support/night.mjs";
import { bearer } from "./support/sessions.mjs";

const OPERATORS = [1, 2, 3, 4, 5].map((n) => `operator-${n}-0123456789-0123456789-0123456789`);

/** Numbers below `n` that look random, and are the same in each run. */
function choices(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

describe("A-4 A-6 five operators at once", () => {
  let night;

  before(async () => {
    night = await startNight({ bindings: { OPERATOR_TOKEN: OPERATORS.join(" ") } });
    await night.sweep();
  });
  after(() => night?.stop());

  const [first] = OPERATORS;
  const by = (token, more = {}) => ({ headers: { ...bearer(token), ...more } });

  /** A 2xx, or a 4xx that says what is wrong and what to do. */
  function isClear({ status, json, text }, place) {
    if (200 <= status && status < 300) return;
    assert.ok(400 <= status && status < 500, `${place}: ${status} ${text}`);
    assert.ok(json?.error && json.message && json.next, `${place}: ${text}`);
  }

  /** No letter was sent twice at one generation. */
  function checkOnce() {
    for (const [key, times] of night.timesSent()) assert.equal(times, 1, key);
  }

  /** Carries everything on until no replay is open. */
  async function settle() {
    for (let n = 0; n < 80; n += 1) {
      const paused = await night.sql("SELECT id FROM replays WHERE state = 'paused'");
      for (const { id } of paused) {
        isClear(await night.post(`/${id}/resume`, {}, by(first)), "resume");
      }
      await night.arrived();
      await night.deliver();
      await night.sweep();
      const { n: open } = await night.one("SELECT count(*) AS n FROM replays WHERE is_open = 1");
      if (open === 0) return;
    }
    assert.fail(JSON.stringify(await night.sql("SELECT id, state FROM replays WHERE is_open = 1")));
  }

  const checkTrail = () => night.checkWhole(by(first));

  it("A-4 one plan is applied by all of them, and sends each letter once", async () => {
    const { filter, letters } = await night.parkAll(120);
    const { id, hash } = await night.plan(filter, {}, by(first));
    const apply = (token) => night.post(`/${id}/apply`, { hash }, by(token));
    const answers = await Promise.all([...OPERATORS, ...OPERATORS].map(apply));
    for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    await Promise.all(OPERATORS.map((token) => night.post(`/${id}/continue`, {}, by(token))));
    await settle();
    checkOnce();
    const { json } = await night.get(`/${id}`, by(first));
    assert.equal(json.state, "done");
    await night.checkBecame(letters, json);
    await checkTrail();
    const text = "SELECT count(*) AS n FROM audit WHERE target = ?1 AND action = ?2";
    assert.deepEqual(await night.one(text, id, "replays.applied"), { n: 1 });
  });

  it("A-4 one key makes one plan, however often it is sent at once", async () => {
    const { filter } = await night.parkAll(8, { poison: 0 });
    const key = { "idempotency-key": randomUUID() };
    const body = { action: "replay", filter, reason: "a test" };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => night.post("", body, by(first, key))),
    );
    for (const answer of answers) assert.equal(answer.status, 200, answer.text);
    assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
    const { id, hash } = answers[0].json;
    await night.post(`/${id}/apply`, { hash }, by(first));
    await settle();
    checkOnce();
    await checkTrail();
  });

  it("A-4 A-6 the same and overlapping selections, told everything at once", async () => {
    const [one, two] = [await night.parkAll(90), await night.parkAll(60)];
    const all = [...one.letters, ...two.letters];
    const some = (from, to) => ({ ids: all.slice(from, to).map(({ id }) => id) });
    const lists = [some(0, 40), some(30, 110), some(100, 150)];
    const filters = [one.filter, two.filter, { type: "user.created" }, ...lists];
    const verbs = ["plan", "apply", "apply", "continue", "continue", "pause", "resume", "cancel"];
    const known = [];
    const statuses = new Map();

    async function act(token, pick) {
      const how = by(token);
      const replay = known.length ? known[pick(known.length)] : undefined;
      const verb = verbs[pick(verbs.length)];
      let answer;
      if (verb === "plan" || !replay) {
        const action = pick(4) === 0 ? "discard" : "replay";
        const discard_unchanged = action === "replay" && pick(2) === 0;
        const [filter, reason] = [filters[pick(filters.length)], "at once"];
        const body = { action, filter, reason, rate: 6_000, discard_unchanged };
        answer = await night.post("", body, how);
        if (answer.json?.id) known.push({ id: answer.json.id });
      } else if (verb === "apply") {
        const { json } = await night.get(`/${replay.id}`, how);
        answer = await night.post(`/${replay.id}/apply`, { hash: json.hash || "none" }, how);
      } else {
        answer = await night.post(`/${replay.id}/${verb}`, {}, how);
      }
      isClear(answer, verb);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }

    let isOver = false;
    const consumer = async () => {
      while (!isOver) {
        await night.deliver();
        await night.sweep();
      }
    };
    const consuming = consumer();
    const results = await Promise.allSettled(
      OPERATORS.map(async (token, n) => {
        const pick = choices(n + 12);
        for (let turn = 0; turn < 24; turn += 1) await act(token, pick);
      }),
    );
    isOver = true;
    await consuming;
    for (const { reason } of results) if (reason) throw reason;
    assert.ok(statuses.get(200) > 30 && statuses.get(409) > 0, JSON.stringify([...statuses]));
    await settle();
    checkOnce();
    await checkTrail();
    const ids = JSON.stringify(all.map(({ id }) => id));
    const states = await night.sql(
      `SELECT state, count(*) AS n, sum(sent_at IS NULL) AS unsent FROM dead_letters
       WHERE message_id IN (SELECT value FROM json_each(?1)) GROUP BY state`,
      ids,
    );
    assert.equal(states.reduce((sum, { n }) => sum + n, 0), all.length, JSON.stringify(states));
    // Each replay says of each letter what became of it.
    const odd = await night.sql(
      `SELECT * FROM replay_letters WHERE became IN ('waiting', 'sent')
         AND replay_id NOT IN (SELECT id FROM replays WHERE state = 'planned')`,
    );
    assert.deepEqual(odd, []);
  });
});
