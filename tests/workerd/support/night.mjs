// A night with dead letters: console, consumer and ingest on one database, an operators' queue that
// the test delivers itself, letters of every class, and what must be true in the morning.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import * as clerk from "./clerk.mjs";
import { TOKEN, ask as send, settingsOf } from "./console.mjs";
import { deliver, newId } from "./delivery.mjs";
import { controlledDatabase, sinkOf, startDirect, workerOf } from "./direct.mjs";
import { FaultPoints } from "./fault-points.mjs";
import { EVENTS, messageOf } from "./pipeline.mjs";
import { bearer } from "./sessions.mjs";
import { waitFor } from "./wait.mjs";

const PATH = "/api/v1/replays";

const CONSOLE = "rolecall-console";

/** More than `LETTER_UNSENT_MS_MAX`, and than `LETTER_SENT_MS_MAX`, in shared/src/limits.rs. */
const LONG_AGO = 90_000_000;

/** As `ContentDigest` has it. */
export const digestOf = (text) => createHash("sha256").update(text).digest("hex").slice(0, 32);

/**
 * Starts it. `more` are further Workers by name: `{as: "console" | "consumer", bindings}`, as a
 * deployment has an older and a newer one for a moment. `isStoppable`: builds with fault points.
 * `database` of the night lets the consumer's batches fail.
 */
export async function startNight({ folder, isStoppable = false, bindings, more = {} } = {}) {
  const [replayed, sealed] = [[], []];
  const faults = {};
  const database = controlledDatabase();
  const make = (name, env, how = {}) => {
    const change = { name, ...how };
    if (env === "consumer") {
      const wrappedBindings = { DB: "controlled-database" };
      Object.assign(change, { queueConsumers: undefined, d1Databases: undefined, wrappedBindings });
    }
    if (!isStoppable) return workerOf(env, change);
    faults[name] = new FaultPoints();
    return faults[name].worker(env, change);
  };
  const settings = { ...settingsOf("http://127.0.0.1:9"), ...bindings };
  const workers = [
    make("rolecall-consumer", "consumer"),
    make("rolecall-console", "console", { bindings: settings }),
    ...Object.entries(more).map(([name, { as, bindings: own }]) =>
      make(name, as, { bindings: as === "console" ? { ...settings, ...own } : own ?? {} })),
    database.worker,
    workerOf("durable"),
    workerOf("ingest", { queueProducers: { EVENTS: { queueName: "sealed" } } }),
    { ...sinkOf(replayed, EVENTS), name: "replayed" },
    { ...sinkOf(sealed, "sealed"), name: "sealed" },
  ];
  const system = await startDirect(workers, { folder });
  const ingest = await system.worker("rolecall-ingest");
  return new Night({ system, faults, database, replayed, sealed, ingest });
}

class Night {
  /** Messages of the queue that are not acknowledged: `{id, attempts, body}`. */
  #queue = [];
  #taken = 0;
  #isLossy = false;

  constructor(parts) {
    Object.assign(this, parts);
    this.sql = this.system.sql;
  }

  /** No Worker stops any more. */
  release() {
    for (const faults of Object.values(this.faults)) faults.release();
  }

  stop() {
    return this.system.stop();
  }

  async one(text, ...args) {
    return (await this.sql(text, ...args))[0];
  }

  /** Asks a console. A console that crashes gives no answer: `status` is then 0 or 5xx. */
  async ask(path, { method = "GET", body, headers = bearer(TOKEN), console = CONSOLE } = {}) {
    const url = await this.system.url(console);
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const text = body === undefined ? undefined : JSON.stringify(body);
    try {
      const all = { ...json, ...headers };
      const answer = await send(url, path, { method, body: text, headers: all });
      const isJson = answer.headers.get("content-type")?.startsWith("application/json");
      return { ...answer, json: isJson ? JSON.parse(answer.text || "null") : undefined };
    } catch (cause) {
      return { status: 0, text: String(cause) };
    }
  }

  post(path, body, how) {
    return this.ask(`${PATH}${path}`, { method: "POST", body: body ?? {}, ...how });
  }

  get(path, how) {
    return this.ask(`${PATH}${path}`, how);
  }

  /** A complete plan. */
  async plan(filter, more = {}, how = {}) {
    const body = { action: "replay", filter, reason: "a test", rate: 6_000, ...more };
    let answer = await this.post("", body, how);
    assert.equal(answer.status, 200, answer.text);
    while (answer.json.state === "planning") {
      answer = await this.post(`/${answer.json.id}/continue`, undefined, how);
      assert.equal(answer.status, 200, answer.text);
    }
    return answer.json;
  }

  /**
   * Takes what the queue has got, and delivers it to a consumer. Whether it did not crash.
   * `attempts` is the number of the attempt, of `queue`.
   */
  async deliver(consumer = "rolecall-consumer", { attempts, queue = EVENTS } = {}) {
    this.take();
    if (attempts) for (const message of this.#queue) message.attempts = attempts;
    const worker = await this.system.worker(consumer);
    for (let at = 0; at < this.#queue.length; ) {
      const batch = this.#queue.slice(at, at + 100);
      const messages = batch.map(({ id, attempts, body }) => messageOf(body, { id, attempts }));
      const { outcome, explicitAcks } = await worker.queue(queue, messages);
      const acked = new Set(explicitAcks);
      for (const message of batch) message.attempts += 1;
      const kept = batch.filter(({ id }) => !acked.has(id));
      this.#queue.splice(at, batch.length, ...kept);
      if (outcome !== "ok") return false;
      at += kept.length;
    }
    return true;
  }

  /** The messages that replays have sent so far, in all. */
  take() {
    const fresh = this.replayed.slice(this.#taken);
    this.#taken = this.replayed.length;
    this.#queue.push(...fresh.map((body) => ({ id: newId(), attempts: 1, body })));
  }

  /** Loses what is in the queue. */
  lose() {
    this.take();
    this.#isLossy = true;
    return this.#queue.splice(0).length;
  }

  /** Another system on the same storage goes on with the queue of this one. */
  adopt(other) {
    other.take();
    this.#queue.push(...other.#queue.splice(0));
  }

  /** How many messages are in the queue. */
  get pending() {
    return this.#queue.length + this.replayed.length - this.#taken;
  }

  async sweep(consumer = "rolecall-consumer") {
    const worker = await this.system.worker(consumer);
    return (await worker.scheduled({ cron: "* * * * *" })).outcome === "ok";
  }

  /** Lets a day pass for letters that are on their way: a Worker's clock is not the test's. */
  pass() {
    return this.sql(
      `UPDATE dead_letters SET state_at = state_at - ?1, sent_at = sent_at - ?1
       WHERE state = 'replaying'`,
      LONG_AGO,
    );
  }

  /** Waits until the queue has got all that was sent, if nothing was lost. */
  async arrived() {
    if (this.#isLossy) return;
    const text = `SELECT count(*) AS n FROM dead_letters
      WHERE sent_at IS NOT NULL AND state = 'replaying'`;
    const { n } = await this.one(text);
    await waitFor("the queue has got the messages", () => n <= this.pending);
  }

  /**
   * Carries a replay to its end: delivers, sweeps, and in some rounds asks the console to continue.
   * Returns its answer. `eachRound` may crash something.
   */
  async carryOut(id, { rounds = 60, continueEvery = 1, eachRound = () => undefined } = {}) {
    let quiet = 0;
    this.#isLossy = false;
    for (let n = 0; n < rounds; n += 1) {
      await eachRound(n);
      if (n % continueEvery === 0) await this.post(`/${id}/continue`);
      await this.arrived();
      if (await this.deliver()) await this.sweep();
      const text = "SELECT is_open, state FROM replays WHERE id = ?1";
      const { is_open, state } = await this.one(text, id);
      if (!is_open && state !== "planned") return (await this.get(`/${id}`)).json;
      // What is neither here nor settled was lost, or is between the two queues for a moment.
      quiet = this.pending === 0 ? quiet + 1 : 0;
      if (quiet >= 3) await this.pass();
    }
    throw new Error(`no end: ${(await this.get(`/${id}`)).text}`);
  }

  /** The envelope of an event, as ingest writes it. */
  async envelope(event, id = newId()) {
    const { status, text } = await deliver(this.ingest, event, { id });
    assert.equal(status, 202, text);
    const isIt = (body) => JSON.parse(body).svix_id === id;
    return { id, body: await waitFor("it is encoded", () => this.sealed.find(isIt)) };
  }

  /** Puts a message into the queue, without a replay. */
  put(...bodies) {
    this.#queue.push(...bodies.map((body) => ({ id: newId(), attempts: 1, body })));
  }

  /** Writes rows of `dead_letters`: `{id, body, ...columns}`. */
  async park(rows) {
    const all = rows.map(({ id, body, ...row }, n) => ({
      id, body, svix_id: id, type: "user.created", subject: null, reason: "overloaded",
      digest: digestOf(body), first: 1_000 + n, ...row,
    }));
    for (let at = 0; at < all.length; at += 100) {
      await this.sql(
        `INSERT INTO dead_letters (message_id, queue, svix_id, type, subject, reason, detail,
           attempts, first_seen_at, last_seen_at, envelope, state_at, digest)
         SELECT value ->> 'id', 'rolecall-events', value ->> 'svix_id', value ->> 'type',
           value ->> 'subject', value ->> 'reason', 'a test', 3, value ->> 'first', 2000,
           value ->> 'body', 2000, value ->> 'digest' FROM json_each(?1)`,
        JSON.stringify(all.slice(at, at + 100)),
      );
    }
    return all;
  }

  /**
   * Parks `count` letters of every class, by turns, with a reason of their own. Ingest encodes two
   * events, of which the others differ in their ids alone. Returns `{filter, letters, classes}`.
   */
  async parkAll(count, { poison = 3 } = {}) {
    const run = randomBytes(6).toString("hex");
    const reason = `test-${run}`;
    const model = clerk.newId("user");
    const { id: modelId, body } = await this.envelope(clerk.withRole(model, "admin"));
    const ignored = JSON.stringify({
      v: 1, svix_id: modelId, attempted_at: 1_000, received_at: 1_000, event_at: null,
      body: digestOf("x"), type: "session.created", letter: "ignored",
    });
    const letters = [];
    const kinds = [
      "applied", "superseded", "duplicate", "applied", "ignored", "junk", "changed", "newer",
    ];
    const [dead, known] = [[], []];
    for (let n = 0; n < count; n += 1) {
      const isPoison = n >= count - poison;
      const kind = isPoison ? "poison" : kinds[n % kinds.length];
      const id = `msg_${run}${String(n).padStart(5, "0")}`;
      const subject = `user_${isPoison ? "poison" : "2"}${run}${String(n).padStart(8, "0")}`;
      const like = kind === "ignored" ? ignored : body;
      let text = like.replaceAll(modelId, id).replaceAll(model, subject);
      if (kind === "superseded") dead.push(subject);
      if (kind === "duplicate") known.push(id);
      if (kind === "junk") text = `{"v":1,"svix_id":"${id}"`;
      if (kind === "newer") text = text.replace('{"v":1,', '{"v":2,');
      const digest = kind === "changed" ? digestOf(`${text} `) : digestOf(text);
      letters.push({ id, body: text, subject, kind, digest, reason });
    }
    await this.sql(
      `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
       SELECT value, '[]', 1, 1, 1, 1, '' FROM json_each(?1)`,
      JSON.stringify(dead),
    );
    await this.sql(
      `INSERT INTO deliveries
         (svix_id, type, outcome, attempted_at, received_at, applied_at, body_digest)
       SELECT value, 'user.updated', 'applied', 1, 1, 1, '' FROM json_each(?1)`,
      JSON.stringify(known),
    );
    await this.sql(
      `CREATE TRIGGER IF NOT EXISTS test_poison BEFORE INSERT ON users
       WHEN NEW.id GLOB 'user_poison*' BEGIN SELECT RAISE(ABORT, 'poison'); END`,
    );
    await this.park(letters);
    return { filter: { reason }, letters };
  }

  /** What has become of letters of `parkAll` when their replay is done. */
  async checkBecame(letters, replay) {
    const want = {
      applied: ["applied", "applied"], superseded: ["superseded", "superseded"],
      duplicate: ["duplicate", "duplicate"], ignored: ["duplicate", "duplicate"],
      junk: ["unreadable", "left"], changed: ["unreadable", "left"], newer: ["newer", "left"],
      poison: ["applied", "parked"],
    };
    const items = await this.sql(
      `SELECT i.message_id AS id, i.planned, i.became, d.state, d.reason, d.generation, d.returns
       FROM replay_letters i JOIN dead_letters d ON d.message_id = i.message_id
       WHERE i.replay_id = ?1`,
      replay.id,
    );
    const found = new Map(items.map((row) => [row.id, row]));
    assert.equal(items.length, letters.length);
    const counts = {};
    for (const { id, kind, reason } of letters) {
      const { planned, became, state, ...row } = found.get(id);
      assert.deepEqual([planned, became], want[kind], `${kind} ${id} ${JSON.stringify(row)}`);
      assert.equal(state, became === "left" ? "parked" : became, `${kind} ${id}`);
      if (became === "left") assert.deepEqual([row.reason, row.generation], [reason, 0]);
      if (kind === "poison") {
        const again = ["refused-by-database", 1 + row.returns];
        assert.deepEqual([row.reason, row.generation], again);
      }
      counts[`${planned}/${became}`] = (counts[`${planned}/${became}`] ?? 0) + 1;
    }
    const said = replay.counts.map((it) => [`${it.planned}/${it.became}`, it.letters]);
    assert.deepEqual(Object.fromEntries(said), counts);
    assert.equal(replay.total, letters.length);
    const alive = `SELECT id FROM users
      WHERE deleted = 0 AND id IN (SELECT value FROM json_each(?1)) ORDER BY id`;
    const subjects = letters.map(({ subject }) => subject);
    const users = (await this.sql(alive, JSON.stringify(subjects))).map(({ id }) => id);
    // A copy of a delivery is merged too: its rows are then those that it made before.
    const made = letters.filter(({ kind }) => kind === "applied" || kind === "duplicate");
    const alone = made.map(({ subject }) => subject).sort();
    assert.deepEqual(users, alone, "the dead stay dead, and nobody else is made");
  }

  /** Nothing is stuck, each count is exact, and the audit trail is one chain up to its head. */
  async checkWhole(how) {
    const stuck = "SELECT message_id FROM dead_letters WHERE state = 'replaying'";
    assert.deepEqual(await this.sql(stuck), []);
    assert.deepEqual(await this.sql("SELECT id, state FROM replays WHERE is_open = 1"), []);
    const items = `SELECT replay_id, planned, became, count(*) AS letters
      FROM replay_letters GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
    const counts = `SELECT replay_id, planned, became, letters
      FROM replay_counts WHERE letters <> 0 ORDER BY 1, 2, 3`;
    assert.deepEqual(await this.sql(counts), await this.sql(items));
    const letters = `SELECT state, reason, coalesce(type, '') AS type,
        first_seen_at / 86400000 AS day, count(*) AS letters
      FROM dead_letters GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;
    const cells = `SELECT state, reason, type, day, letters
      FROM dead_letter_counts ORDER BY 1, 2, 3, 4`;
    assert.deepEqual(await this.sql(cells), await this.sql(letters));
    await this.checkTrail(how);
  }

  async checkTrail(how) {
    const entries = await this.sql(
      "SELECT seq, prev, hash, at, actor, action, target, detail FROM audit ORDER BY seq",
    );
    let prev = "";
    for (const [n, entry] of entries.entries()) {
      assert.deepEqual([entry.seq, entry.prev], [n + 1, prev], JSON.stringify(entry));
      const hash = createHash("sha256");
      const { seq, at, actor, action, target, detail } = entry;
      for (const part of [prev, seq, at, actor, action, target, detail]) {
        hash.update(`${Buffer.byteLength(String(part))}:${part}`);
      }
      prev = hash.digest("hex");
      assert.equal(entry.hash, prev, `entry ${entry.seq} was changed`);
    }
    // The head is outside of the database too. A Worker that was stopped could not log it.
    const isLogged = () => this.system.logs().includes(prev);
    if (Object.keys(this.faults).length === 0) await waitFor("the head is logged", isLogged);
    const { json } = await this.ask("/api/v1/audit/head", how);
    assert.deepEqual([json.seq, json.hash], [entries.length, prev]);
  }

  /** How often each letter's generation was sent. */
  timesSent() {
    const times = new Map();
    for (const body of this.replayed) {
      const { letter, generation } = JSON.parse(body).replay;
      const key = `${letter} ${generation}`;
      times.set(key, (times.get(key) ?? 0) + 1);
    }
    return times;
  }
}
