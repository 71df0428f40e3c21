// What a replay may do to letters and what it may not: the dead stay dead, the queue is the only
// way back, time limits of deliveries are over, changed bytes are not sent, nothing is logged of
// anybody, and what failed for a while is sent once more by itself.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { METRICS_TOKEN, SECOND_TOKEN, TOKEN } from "./support/console.mjs";
import { SECRET, newId, post, send, signed } from "./support/delivery.mjs";
import { digestOf, startNight } from "./support/night.mjs";
import { bearer } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const DEAD = "rolecall-dead";

/** The last attempt of the dead-letter queue: what fails then is parked. */
const LAST = 101;

const HOUR = 3_600_000;

/** What a database says, and the reason of a letter for it. */
const OVERLOADED = ["D1_ERROR: D1 DB is overloaded. Too many requests queued.", "overloaded"];
const GONE = ["D1_ERROR: Network connection lost.", "retries-exhausted"];

/** The tables that events are merged into. */
const SYNCED = [
  "users", "organizations", "memberships", "org_roles", "org_permissions", "user_roles",
  "watches", "deliveries",
];

describe("letters that are replayed", () => {
  let night;

  before(async () => {
    night = await startNight();
    await night.sweep();
  });
  after(() => night?.stop());

  const letterOf = (id) => night.one("SELECT * FROM dead_letters WHERE message_id = ?1", id);
  const userOf = (id) => night.one("SELECT * FROM users WHERE id = ?1", id);

  /** Parks the envelopes of events under a reason of their own. */
  async function parked(...events) {
    const reason = `test-${randomUUID()}`;
    const rows = [];
    for (const event of events) {
      const { id, body } = await night.envelope(event);
      rows.push({ id, body, reason, type: event.type, subject: event.data.id });
    }
    await night.park(rows);
    return { filter: { reason }, rows };
  }

  const users = (count) => Array.from({ length: count }, () => clerk.user(clerk.newId("user")));

  /** Plans and applies, up to the end. */
  async function replayed(filter, more) {
    const plan = await night.plan(filter, more);
    const { status, text } = await night.post(`/${plan.id}/apply`, { hash: plan.hash });
    assert.equal(status, 200, text);
    return { plan, done: await night.carryOut(plan.id) };
  }

  const countsOf = ({ counts }) =>
    Object.fromEntries(counts.map((it) => [`${it.planned}/${it.became}`, it.letters]));

  async function rowsOf(tables) {
    const all = tables.map((table) => night.sql(`SELECT * FROM ${table}`));
    return JSON.stringify(await Promise.all(all));
  }

  it("A-4 user.created after user.deleted stays dead, and the letter says so", async () => {
    const user = clerk.newId("user");
    const created = clerk.user(user);
    const { filter, rows } = await parked(created);
    night.put((await night.envelope(clerk.deleted("user", user))).body);
    assert.ok(await night.deliver());
    assert.equal((await userOf(user)).deleted, 1);
    const before = await userOf(user);
    const { plan, done } = await replayed(filter);
    assert.deepEqual(countsOf(plan), { "superseded/waiting": 1 });
    assert.deepEqual(countsOf(done), { "superseded/superseded": 1 });
    assert.deepEqual(await userOf(user), before);
    assert.equal((await letterOf(rows[0].id)).state, "superseded");
    const outcome = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    assert.deepEqual(await night.one(outcome, rows[0].id), { outcome: "superseded" });
    await night.checkWhole();
  });

  it("A-4 what was applied meanwhile is a duplicate, and changes nothing", async () => {
    const event = clerk.withRole(clerk.newId("user"), "admin");
    const { filter, rows } = await parked(event);
    night.put(rows[0].body);
    assert.ok(await night.deliver());
    const before = await rowsOf(["users", "memberships", "watches", "user_roles"]);
    const { plan, done } = await replayed(filter);
    assert.deepEqual(countsOf(plan), { "duplicate/waiting": 1 });
    assert.deepEqual(countsOf(done), { "duplicate/duplicate": 1 });
    assert.equal(await rowsOf(["users", "memberships", "watches", "user_roles"]), before);
    const again = await night.post(`/${plan.id}/apply`, { hash: plan.hash });
    assert.deepEqual([again.status, again.json.state], [200, "done"]);
    assert.equal(night.timesSent().get(`${rows[0].id} 0`), 1);
    await night.checkWhole();
  });

  it("A-4 one key is one plan and one message, however often it is repeated", async () => {
    const { filter, rows } = await parked(...users(1));
    const key = { "idempotency-key": randomUUID() };
    const how = { headers: { ...bearer(TOKEN), ...key } };
    const [first, second] = [await night.plan(filter, {}, how), await night.plan(filter, {}, how)];
    assert.equal(first.id, second.id);
    for (let n = 0; n < 3; n += 1) await night.post(`/${first.id}/apply`, { hash: first.hash });
    const done = await night.carryOut(first.id);
    assert.deepEqual(countsOf(done), { "applied/applied": 1 });
    const sent = [...night.timesSent()].filter(([key]) => key.startsWith(rows[0].id));
    assert.deepEqual(sent, [[`${rows[0].id} 0`, 1]]);
    // Another operator may choose the same key.
    const other = { headers: { ...bearer(SECOND_TOKEN), ...key } };
    assert.notEqual((await night.plan(filter, {}, other)).id, first.id);
  });

  it("A-5 the console sends to the queue and writes nothing that is synced", async () => {
    const { filter, rows } = await parked(...users(8));
    const before = await rowsOf(SYNCED);
    const plan = await night.plan(filter);
    for (let n = 0; n < 3; n += 1) await night.post(`/${plan.id}/apply`, { hash: plan.hash });
    await night.arrived();
    assert.ok(0 < night.pending, "the canary is in the queue");
    assert.equal(await rowsOf(SYNCED), before);
    const done = await night.carryOut(plan.id);
    assert.deepEqual(countsOf(done), { "applied/applied": 8 });
    for (const { subject } of rows) assert.equal((await userOf(subject)).deleted, 0);
  });

  it("A-5 only ingest limits the age of a delivery: a letter of last week is applied", async () => {
    const week = 7 * 24 * HOUR;
    const user = clerk.newId("user");
    const { id, body } = await night.envelope(clerk.user(user, {}, { at: Date.now() - week }));
    const at = Date.now() - week;
    const old = { ...JSON.parse(body), attempted_at: at, received_at: at };
    const reason = `test-${randomUUID()}`;
    await night.park([{ id, body: JSON.stringify(old), reason }]);
    const { done } = await replayed({ reason });
    assert.deepEqual(countsOf(done), { "applied/applied": 1 });
    assert.ok(await userOf(user));
  });

  const change = (id) => {
    const changed = "replace(envelope, 'user.', 'users.')";
    return night.sql(`UPDATE dead_letters SET envelope = ${changed} WHERE message_id = ?1`, id);
  };

  it("A-5 bytes that were changed are unreadable, and are not sent", async () => {
    const { filter, rows } = await parked(...users(3));
    await change(rows[1].id);
    const { plan, done } = await replayed(filter);
    assert.deepEqual(countsOf(plan), { "applied/waiting": 2, "unreadable/waiting": 1 });
    assert.deepEqual(countsOf(done), { "applied/applied": 2, "unreadable/left": 1 });
    assert.ok(!night.timesSent().has(`${rows[1].id} 0`));
    const { json } = await night.ask(`/api/v1/dead-letters/${rows[1].id}`);
    assert.deepEqual([json.class, json.digest_matches], ["unreadable", false]);
    assert.match(json.class_detail, /bytes changed/);
    await night.checkWhole();
  });

  it("A-5 bytes that are changed between plan and apply: the plan is refused", async () => {
    const { filter, rows } = await parked(...users(3));
    const plan = await night.plan(filter);
    await change(rows[0].id);
    const { json } = await night.post(`/${plan.id}/apply`, { hash: plan.hash });
    assert.equal(json.state, "refused");
    for (const { id } of rows) assert.equal((await letterOf(id)).state, "parked");
  });

  it("A-5 bytes that are changed while it runs are not sent", async () => {
    const { filter, rows } = await parked(...users(9));
    const plan = await night.plan(filter);
    const { json } = await night.post(`/${plan.id}/apply`, { hash: plan.hash });
    assert.equal(json.state, "canary");
    await change(rows[7].id);
    const done = await night.carryOut(plan.id);
    assert.deepEqual(countsOf(done), { "applied/applied": 8, "applied/left": 1 });
    assert.ok(!night.timesSent().has(`${rows[7].id} 0`));
    assert.equal((await letterOf(rows[7].id)).state, "parked");
  });

  it("A-6 a request does a bounded part, the rate is kept, and a cancel leaves the rest", async () => {
    const { filter } = await night.parkAll(700, { poison: 0 });
    const body = { action: "replay", filter, reason: "a test", rate: 10 };
    const first = await night.post("", body);
    const { id } = first.json;
    const planned = await night.one(
      "SELECT count(*) AS n FROM replay_letters WHERE replay_id = ?1", id,
    );
    assert.deepEqual([first.json.state, planned], ["planning", { n: 500 }]);
    const early = await night.post(`/${id}/apply`, { hash: "x" });
    assert.deepEqual([early.status, early.json.error], [409, "not-planned"]);
    const { json: plan } = await night.post(`/${id}/continue`);
    assert.deepEqual([plan.state, plan.total], ["planned", 700]);
    const go = (verb, it) => night.post(`/${id}/${verb}`, it);
    let answer = await go("apply", { hash: plan.hash });
    assert.equal(answer.json.state, "checking");
    for (let n = 0; n < 3; n += 1) answer = await go("continue");
    assert.deepEqual([answer.json.state, answer.json.sent], ["canary", 5]);
    await night.arrived();
    await night.deliver();
    const began = Date.now();
    for (let n = 0; n < 6; n += 1) answer = await go("continue");
    assert.equal(answer.json.state, "running");
    const sent = await night.one("SELECT count(*) AS n FROM dead_letters WHERE replay_id = ?1", id);
    // Those of the canary, of one minute, and of the time since then: one in six seconds.
    const more = Math.ceil((Date.now() - began) / 6_000);
    assert.ok(15 <= sent.n && sent.n <= 5 + 10 + more, `${sent.n}, ${more}`);
    const paused = await go("pause");
    assert.equal(paused.json.state, "paused");
    await night.arrived();
    await night.deliver();
    await night.sweep();
    assert.equal((await go("resume")).json.state, "running");
    assert.equal((await go("cancel")).json.state, "canceled");
    const done = await night.carryOut(id);
    assert.equal(done.state, "canceled");
    const left = done.counts.filter(({ became }) => became === "left");
    const rest = left.reduce((sum, { letters }) => sum + letters, 0);
    assert.ok(rest > 600, JSON.stringify(done.counts));
    await night.checkWhole();
    // What was left can be planned again.
    const { n: parked } = await night.one(
      "SELECT count(*) AS n FROM dead_letters WHERE state = 'parked' AND reason = ?1",
      filter.reason,
    );
    assert.equal((await night.plan(filter)).total, parked);
  });

  it("A-6 a letter of a newer build waits, and is applied when a consumer can read it", async () => {
    const user = clerk.newId("user");
    const { id, body } = await night.envelope(clerk.withRole(user, "admin"));
    // The consumer parks a message of the next wire version, at its last attempt.
    night.put(body.replace('{"v":1,', '{"v":2,'));
    assert.ok(await night.deliver("rolecall-consumer", { queue: DEAD, attempts: LAST }));
    const text = `SELECT * FROM dead_letters
      WHERE reason = 'newer-envelope' AND instr(envelope, ?1)`;
    const letter = await night.one(text, user);
    assert.deepEqual([letter.state, letter.digest], ["parked", digestOf(letter.envelope)]);
    const filter = { ids: [letter.message_id] };
    const first = await replayed(filter);
    assert.deepEqual(countsOf(first.done), { "newer/left": 1 });
    assert.equal((await letterOf(letter.message_id)).reason, "newer-envelope");
    assert.equal(await userOf(user), undefined);
    // There is no next build. To this one the bytes that ingest writes today are what those of the
    // next version are to the next build, so the letter gets these, with their digest.
    const now = "UPDATE dead_letters SET envelope = ?2, digest = ?3 WHERE message_id = ?1";
    await night.sql(now, letter.message_id, body, digestOf(body));
    const second = await replayed(filter);
    assert.deepEqual(countsOf(second.plan), { "applied/waiting": 1 });
    assert.deepEqual(countsOf(second.done), { "applied/applied": 1 });
    assert.equal((await userOf(user)).deleted, 0);
    const outcome = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    assert.deepEqual(await night.one(outcome, id), { outcome: "applied" });
    await night.checkWhole();
  });
});

describe("letters whose cause has gone", () => {
  let night;

  before(async () => {
    night = await startNight();
    await night.sweep();
  });
  after(() => night?.stop());

  const automatic = () =>
    night.sql("SELECT id, state FROM replays WHERE actor = 'system:sweep' ORDER BY created_at");
  const letterOf = (id) => night.one("SELECT * FROM dead_letters WHERE svix_id = ?1", id);

  /** The database fails for the row of a user while the queue delivers for the last time. */
  async function failing(user, cause) {
    night.database.gate = (when, texts, parameters) => {
      const isRow = (text, i) =>
        text.includes("INTO users") && JSON.stringify(parameters[i]).includes(user);
      return when === "before" && texts.some(isRow) ? cause : undefined;
    };
    await night.deliver("rolecall-consumer", { queue: DEAD, attempts: LAST });
    night.database.gate = () => undefined;
  }

  /** The consumer parks messages of users because of the database. */
  async function overloaded(count, [cause, reason] = OVERLOADED) {
    const letters = [];
    for (let n = 0; n < count; n += 1) {
      const user = clerk.newId("user");
      const { id, body } = await night.envelope(clerk.user(user));
      night.put(body);
      await failing(user, cause);
      letters.push({ id, user });
      const letter = await letterOf(id);
      assert.deepEqual([letter?.state, letter?.reason], ["parked", reason], id);
    }
    return letters;
  }

  /** Sweeps and deliveries until nothing is open. */
  async function settle(deliver = () => night.deliver()) {
    for (let n = 0; n < 12; n += 1) {
      await night.sweep();
      await night.arrived();
      await deliver();
    }
    const open = await night.sql("SELECT id FROM replays WHERE is_open = 1");
    assert.deepEqual(open, []);
  }

  it("A-6 they are replayed once by themselves, and not again when they fail again", async () => {
    const letters = await overloaded(7);
    const bad = letters[6];
    await settle(() => failing(bad.user, OVERLOADED[0]));
    assert.deepEqual((await automatic()).map(({ state }) => state), ["done"]);
    for (const { id } of letters.slice(0, 6)) assert.equal((await letterOf(id)).state, "applied");
    const again = await letterOf(bad.id);
    assert.deepEqual([again.state, again.reason, again.generation], ["parked", "overloaded", 1]);
    // Not by the next sweeps, and not beside a letter that is new.
    await settle();
    assert.equal((await automatic()).length, 1);
    const fresh = [...(await overloaded(1)), ...(await overloaded(1, GONE))];
    await settle();
    assert.deepEqual((await automatic()).map(({ state }) => state), ["done", "done", "done"]);
    for (const { id } of fresh) assert.equal((await letterOf(id)).state, "applied");
    assert.deepEqual((await letterOf(bad.id)).generation, 1);
    await night.checkWhole();
  });

  it("A-6 one that cannot be sent begins one replay, not one with each sweep", async () => {
    const before = (await automatic()).length;
    const [{ id }] = await overloaded(1);
    await night.sql("UPDATE dead_letters SET digest = 'changed' WHERE svix_id = ?1", id);
    await settle();
    assert.equal((await automatic()).length, before + 1);
    assert.equal((await letterOf(id)).state, "parked");
    // It does not keep others from theirs, and a cancellation holds for an hour.
    const [fresh] = await overloaded(1);
    await settle();
    assert.equal((await letterOf(fresh.id)).state, "applied");
    const [late] = await overloaded(1);
    await night.sweep();
    const [{ id: open }] = await night.sql("SELECT id FROM replays WHERE is_open = 1");
    assert.equal((await night.post(`/${open}/cancel`)).json.state, "canceled");
    await settle();
    assert.equal((await automatic()).length, before + 3);
    assert.equal((await letterOf(late.id)).state, "parked");
    await night.checkWhole();
  });
});

describe("what operators' paths log and keep", () => {
  const PERSON = {
    email: "canary.person@example.com", first: "canary-first", last: "canary-last", phone: "+15550190177",
    ip: "203.0.113.177", agent: "CanaryBrowser/1.0", note: "private-canary",
  };
  const ESCAPES = "\u001b[31m canary-ansi\r\nforged line";
  let night;

  before(async () => {
    night = await startNight();
    await night.sweep();
  });
  after(() => night?.stop());

  /** A user with every field that Clerk sends. */
  function event(user) {
    const event = clerk.user(user);
    const [address] = event.data.email_addresses;
    event.data.email_addresses = [{ ...address, email_address: PERSON.email }];
    Object.assign(event.data, {
      primary_email_address_id: address.id, first_name: PERSON.first, last_name: PERSON.last,
      phone_numbers: [{ id: "idn_1", object: "phone_number", phone_number: PERSON.phone }],
      private_metadata: { note: PERSON.note }, unsafe_metadata: { note: PERSON.note },
    });
    event.event_attributes = { http_request: { client_ip: PERSON.ip, user_agent: PERSON.agent } };
    return event;
  }

  it("A-8 A-10 no log has a person, a secret or an escape, no letter too much", async () => {
    const path = encodeURIComponent;
    const [user, poison] = [clerk.newId("user"), `user_poison${newId().slice(4)}`];
    await night.parkAll(8);
    // ingest: taken, refused, unreadable.
    const browser = { "cf-connecting-ip": PERSON.ip, "user-agent": PERSON.agent };
    const headers = { ...browser, cookie: `c=${PERSON.note}` };
    const taken = await night.envelope(event(user));
    const refused = await night.envelope(event(poison));
    const text = JSON.stringify(event(user));
    const forged = { ...signed(text), ...headers, "svix-signature": `v1,${PERSON.note}` };
    await send(night.ingest, post(text, forged));
    const numbered = text.replace('"type":"user.created"', '"type":7');
    for (const odd of [text.slice(0, -9), numbered, ESCAPES]) {
      const id = newId();
      const all = { ...signed(odd, { id }), ...headers };
      const { status } = await send(night.ingest, post(odd, all));
      assert.equal(status, 202);
    }
    // consumer: applied, rejected by the database, unreadable, not from ingest.
    await waitFor("all are encoded", () => night.sealed.length === 6);
    night.put(...night.sealed);
    const { at } = await night.one("SELECT max(first_seen_at) AS at FROM dead_letters");
    await night.deliver();
    const letters = await night.sql("SELECT * FROM dead_letters WHERE first_seen_at > ?1", at);
    assert.ok(letters.length >= 4, `${letters.length}`);
    assert.ok(letters.some(({ svix_id }) => svix_id === refused.id));
    for (const { envelope, detail, reason } of letters) {
      const kept = `${envelope} ${detail} ${reason}`;
      const { phone, ip, agent, note, first } = PERSON;
      for (const more of [phone, ip, agent, note, first, "canary-ansi"]) {
        assert.ok(!kept.includes(more), `A-10 ${more} in ${kept}`);
      }
    }
    night.put(JSON.stringify({ odd: ESCAPES, ...PERSON }), `{"v":1,"${PERSON.email}":1}`, ESCAPES);
    night.put(taken.body.replace('"v":1', '"v":1,"\\u001b[31m\\r\\nforged line":1'));
    await night.deliver();
    // console: plan, replay, discard, look, export, explain, roles, refusals, sign-in.
    const all = await night.plan({ type: "user.created" }, { reason: `${PERSON.email} wrote` });
    await night.post(`/${all.id}/apply`, { hash: all.hash });
    await night.carryOut(all.id);
    await night.plan({ subject: PERSON.email });
    const odd = { action: "replay", filter: { subject: PERSON.email, type: ESCAPES }, reason: "x" };
    assert.equal((await night.post("", odd)).json.error, "bad-filter");
    await night.post("", { action: "replay", filter: { [PERSON.email]: 1 }, reason: ESCAPES });
    await night.post(`/${path(ESCAPES)}/apply`, { hash: PERSON.email });
    await night.post("", { action: "discard", filter: { type: "x" }, reason: ESCAPES });
    const { id } = letters[0] ?? {};
    const looks = [
      "/", "/dead-letters", `/dead-letters/${path(PERSON.email)}`, `/explain?id=${path(PERSON.email)}`,
      `/users/${path(user)}`, `/users/${path(PERSON.email)}`, "/audit", "/replays", `/replays/${all.id}`,
      `/${path(ESCAPES)}`, `/api/v1/explain/${path(PERSON.email)}`, `/api/v1/explain/${user}`,
      `/api/v1/explain/${path(ESCAPES)}`, `/api/v1/explain/${taken.id}`, "/api/v1/dead-letters/export",
      `/api/v1/dead-letters?subject=${path(PERSON.email)}`, `/api/v1/dead-letters?${path(ESCAPES)}=1`,
      `/api/v1/dead-letters/${id}`, `/api/v1/dead-letters?cursor=${path(ESCAPES)}`, "/metrics",
    ];
    const token = `Bearer ${PERSON.note}${TOKEN}`;
    const wrong = { authorization: token, "cf-access-jwt-assertion": PERSON.email };
    const cookie = { cookie: `CF_Authorization=${TOKEN}; __Host-form=${PERSON.note}`, ...headers };
    for (const look of looks) {
      for (const who of [bearer(TOKEN), bearer(METRICS_TOKEN), wrong, cookie]) {
        assert.ok((await night.ask(look, { headers: { ...who, ...headers } })).status > 0, look);
      }
    }
    const grant = { role: "admin", granted: true, reason: `for ${PERSON.email} ${ESCAPES}` };
    for (const who of [user, path(PERSON.email), path(ESCAPES)]) {
      const change = { method: "POST", body: grant };
      await night.ask(`/api/v1/users/${who}/roles`, change);
      await night.ask(`/api/v1/users/${who}/roles`, { ...change, headers: wrong });
    }
    await night.ask("/sign-in", { method: "POST", body: { token: TOKEN }, headers: cookie });
    await night.sweep();

    const logs = night.system.logs();
    const lines = ["letters replayed", "message parked", "D1 batch committed", "request refused"];
    for (const said of lines) {
      assert.ok(logs.includes(said), `the logs are there: ${said}`);
    }
    const secrets = [SECRET, SECRET.slice(6), TOKEN, SECOND_TOKEN, METRICS_TOKEN, "eyJ"];
    for (const canary of [...Object.values(PERSON), ...secrets, "canary-ansi", "@example.com"]) {
      const line = logs.split("\n").find((it) => it.includes(canary));
      assert.equal(line, undefined, `A-8 ${canary}`);
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for.
    assert.doesNotMatch(logs, /[\u0000-\u0009\u000b-\u001f\u007f]/);
    assert.ok(!logs.split("\n").some((line) => line.startsWith("forged")));
    const trail = await night.sql("SELECT actor, action, target, detail FROM audit");
    for (const secret of secrets) assert.ok(!JSON.stringify(trail).includes(secret), secret);
  });
});
