// The consumer, with messages that the test dispatches with a number of attempts: what is
// acknowledged, what is retried and when, and what is parked. On Miniflare, because wrangler's
// harness cannot dispatch messages.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver, newId } from "./support/delivery.mjs";
import { sinkOf, startDirect, workerOf } from "./support/direct.mjs";
import { rejectUserSql } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const EVENTS = "rolecall-events";
const DEAD = "rolecall-dead";

/** The first attempt and eight retries; then one and a hundred, as in wrangler.toml. */
const [LAST, DEAD_LAST] = [9, 101];

/** The longest delay in the dead-letter queue, in seconds. */
const HOURS_S = 10_800;

const crippled = (name, without) =>
  workerOf("consumer", { name, queueConsumers: undefined, ...without });

describe("the consumer", () => {
  /** Envelopes as ingest encodes them, taken from their own queue. */
  const sealed = [];
  let system;
  let consumer;
  let ingest;

  before(async () => {
    const queueProducers = { EVENTS: { queueName: "sealed" } };
    system = await startDirect([
      workerOf("consumer"),
      workerOf("durable"),
      workerOf("ingest", { queueProducers }),
      sinkOf(sealed, "sealed"),
      crippled("without-database", { d1Databases: undefined }),
      crippled("without-objects", { durableObjects: undefined }),
      crippled("renamed", { bindings: { EVENTS_QUEUE: "other", DEAD_QUEUE: "other-dead" } }),
      crippled("unnamed", { bindings: { EVENTS_QUEUE: undefined, DEAD_QUEUE: undefined } }),
    ]);
    consumer = await system.worker("rolecall-consumer");
    ingest = await system.worker("rolecall-ingest");
  });
  after(() => system?.stop());

  /** The queue's message for an event. */
  async function message(event, { attempts = 1, id = newId() } = {}) {
    const answer = await deliver(ingest, event, { id });
    assert.equal(answer.status, 202);
    // A hundred wait at a time: parsing each text for each of them would take most of the test.
    const isIt = (text) => text.includes(`"svix_id":"${answer.id}"`);
    const body = await waitFor("ingest has encoded it", () => sealed.find(isIt));
    return messageOf(body, { id, attempts });
  }

  function messageOf(body, { id = newId(), attempts = 1 } = {}) {
    return { id, timestamp: new Date(Date.now() - 1_000), attempts, body };
  }

  /** Dispatches a batch, and returns "ack" or the retry delay of each message. */
  async function dispatch(messages, { queue = EVENTS, worker = consumer } = {}) {
    const result = await worker.queue(queue, messages);
    assert.equal(result.outcome, "ok");
    assert.equal(result.ackAll, false);
    assert.equal(result.retryBatch.retry, false);
    const acks = new Set(result.explicitAcks);
    const retries = new Map(result.retryMessages.map((it) => [it.msgId, it.delaySeconds]));
    assert.equal(acks.size + retries.size, messages.length, "each message is settled once");
    return messages.map(({ id }) => (acks.has(id) ? "ack" : retries.get(id)));
  }

  const letterOf = async ({ id }) =>
    (await system.sql("SELECT * FROM dead_letters WHERE message_id = ?1", id))[0];
  const deliveryOf = async ({ id }) =>
    (await system.sql("SELECT * FROM deliveries WHERE svix_id = ?1", id))[0];

  /** Runs `work` while a table is renamed, as in the middle of a failed migration. */
  async function without(table, work) {
    await system.sql(`ALTER TABLE ${table} RENAME TO test_${table}`);
    try {
      return await work();
    } finally {
      await system.sql(`ALTER TABLE test_${table} RENAME TO ${table}`);
    }
  }

  it("acknowledges an applied batch, and an empty one", async () => {
    const events = [clerk.user(clerk.newId("user")), clerk.organization(clerk.newId("org"))];
    const messages = await Promise.all(events.map((event) => message(event)));
    assert.deepEqual(await dispatch(messages), ["ack", "ack"]);
    for (const it of messages) assert.equal((await deliveryOf(it)).outcome, "applied");
    assert.deepEqual(await dispatch([]), []);
  });

  it("F-8 applies a repeated batch once", async () => {
    const user = clerk.newId("user");
    const messages = [
      await message(clerk.user(user)),
      await message(clerk.user(user, { banned: true }, { verb: "updated" })),
    ];
    const row = () => system.sql("SELECT * FROM users WHERE id = ?1", user);
    await dispatch(messages);
    const once = await row();
    assert.equal(once[0].banned, 1);
    assert.deepEqual(await dispatch(messages.toReversed()), ["ack", "ack"]);
    assert.deepEqual(await row(), once);
    // The first one was superseded within its own batch.
    const [first, second] = await Promise.all(messages.map(deliveryOf));
    assert.deepEqual([first.outcome, first.copies], ["superseded", 2]);
    assert.deepEqual([second.outcome, second.copies], ["applied", 2]);
  });

  for (const place of [0, 41, 99]) {
    it(`F-7 parks the rejected one of a hundred at place ${place}, applies the rest`, async () => {
      const poison = clerk.newId("user");
      await system.sql(rejectUserSql(poison));
      const users = Array.from({ length: 100 }, () => clerk.newId("user")).with(place, poison);
      const messages = await Promise.all(users.map((user) => message(clerk.user(user))));
      assert.deepEqual(await dispatch(messages), messages.map(() => "ack"));
      await system.sql("DROP TRIGGER test_poison");
      const text = "SELECT count(*) AS n FROM users WHERE id IN (SELECT value FROM json_each(?1))";
      assert.deepEqual(await system.sql(text, JSON.stringify(users)), [{ n: 99 }]);
      assert.equal((await letterOf(messages[place])).reason, "refused-by-database");
      assert.equal((await deliveryOf(messages[place])).outcome, "parked");
    });
  }

  it("F-14 parks messages that ingest did not send, beside good ones", async () => {
    const good = await message(clerk.user(clerk.newId("user")));
    const bad = [
      [messageOf("\u0000"), "malformed"],
      [messageOf("[]"), "malformed"],
      [messageOf('{"v":1,"svix_id":"msg_1"}'), "malformed"],
      [messageOf(good.body.replace('"event":{', '"event":{"changes":[],')), "malformed"],
      [messageOf({ v: 1 }), "not-text"],
      [messageOf(null), "not-text"],
      [messageOf(1.5), "not-text"],
      [messageOf(new Uint8Array([1, 2])), "not-text"],
    ];
    const batch = [...bad.map(([it]) => it), good];
    assert.deepEqual(await dispatch(batch), batch.map(() => "ack"));
    for (const [it, reason] of bad) {
      const letter = await letterOf(it);
      assert.deepEqual([letter?.reason, letter?.queue, letter?.attempts], [reason, EVENTS, 1]);
    }
    assert.equal((await deliveryOf(good)).outcome, "applied");
  });

  it("keeps a message of a newer version as long as the queue keeps it", async () => {
    const { body } = await message(clerk.user(clerk.newId("user")));
    const newer = body.replace('"v":1', '"v":2');
    const [first, last] = [messageOf(newer), messageOf(newer, { attempts: LAST })];
    const [again, moved] = await dispatch([first, last]);
    assert.ok(1 <= again && again <= 2, `again after ${again} s`);
    assert.ok(256 <= moved && moved <= 512, `again after ${moved} s`);
    const waits = messageOf(newer, { attempts: DEAD_LAST - 1 });
    const end = messageOf(newer, { attempts: DEAD_LAST });
    const [later, parked] = await dispatch([waits, end], { queue: DEAD });
    assert.ok(HOURS_S * 0.8 <= later && later <= HOURS_S, `again after ${later} s`);
    assert.equal(parked, "ack");
    for (const it of [first, last, waits]) assert.equal(await letterOf(it), undefined);
    const { reason, attempts, envelope } = await letterOf(end);
    assert.deepEqual([reason, attempts, envelope], ["newer-envelope", LAST + DEAD_LAST, newer]);
  });

  it("retries with growing delays while the database fails, and parks nothing", async () => {
    const events = Array.from({ length: LAST }, () => clerk.user(clerk.newId("user")));
    const numbered = events.map((event, i) => message(event, { attempts: i + 1 }));
    const messages = await Promise.all(numbered);
    const delays = await without("users", () => dispatch(messages));
    for (const [i, delay] of delays.entries()) {
      const full = 2 * 2 ** i;
      assert.ok(full / 2 <= delay && delay <= full, `${delay} s after attempt ${i + 1}`);
    }
    for (const it of messages) {
      assert.equal(await letterOf(it), undefined);
      assert.equal(await deliveryOf(it), undefined);
    }
    // The table is back: the retried messages are applied.
    const again = messages.map((it) => ({ ...it, attempts: it.attempts + 1 }));
    assert.deepEqual(await dispatch(again), messages.map(() => "ack"));
    for (const it of messages) assert.equal((await deliveryOf(it)).outcome, "applied");
  });

  it("applies from the dead-letter queue, with delays from a minute to three hours", async () => {
    const attempts = [1, 2, 3, 8, 9, 50, DEAD_LAST - 1];
    const full = [60, 120, 240, 7_680, HOURS_S, HOURS_S, HOURS_S];
    const dead = await Promise.all(
      attempts.map((attempts) => message(clerk.user(clerk.newId("user")), { attempts })),
    );
    const delays = await without("users", () => dispatch(dead, { queue: DEAD }));
    for (const [i, delay] of delays.entries()) {
      assert.ok(full[i] * 0.8 <= delay && delay <= full[i], `${delay} s after ${attempts[i]}`);
    }
    for (const it of dead) assert.equal(await letterOf(it), undefined);

    const [good, junk] = [await message(clerk.user(clerk.newId("user"))), messageOf("junk")];
    const batch = [...dead, good, junk];
    assert.deepEqual(await dispatch(batch, { queue: DEAD }), batch.map(() => "ack"));
    for (const it of [...dead, good]) {
      assert.equal((await deliveryOf(it)).outcome, "applied");
      assert.equal(await letterOf(it), undefined);
    }
    const { reason, queue } = await letterOf(junk);
    assert.deepEqual([reason, queue], ["malformed", DEAD]);
  });

  it("parks only what the queue would drop, and retries what it cannot park", async () => {
    const event = () => message(clerk.user(clerk.newId("user")), { attempts: DEAD_LAST });
    const [last, waits] = [await event(), { ...(await event()), attempts: DEAD_LAST - 1 }];
    const down = (work) => without("users", () => without("dead_letters", work));
    for (const again of await down(() => dispatch([last], { queue: DEAD }))) {
      assert.ok(Number.isInteger(again), "nothing better exists");
    }
    assert.match(system.logs(), /"outcome":"dropped"/);
    const [parked, later] = await without("users", () => dispatch([last, waits], { queue: DEAD }));
    assert.equal(parked, "ack");
    assert.ok(Number.isInteger(later));
    const { reason, detail, queue, attempts, envelope, svix_id } = await letterOf(last);
    assert.deepEqual([reason, queue, svix_id], ["retries-exhausted", DEAD, last.id]);
    assert.deepEqual([attempts, envelope], [LAST + DEAD_LAST, last.body]);
    assert.match(detail, /no such table/);
    assert.equal((await deliveryOf(last)).outcome, "parked");
    assert.equal(await letterOf(waits), undefined);
    // Its replay is applied.
    assert.deepEqual(await dispatch([last]), ["ack"]);
    assert.equal((await deliveryOf(last)).outcome, "applied");
  });

  it("retries all messages of an unknown queue, and logs it", async () => {
    const good = () => message(clerk.user(clerk.newId("user")));
    const renamed = await system.worker("renamed");
    const unnamed = await system.worker("unnamed");
    for (const [worker, queue] of [
      [consumer, `${EVENTS}-staging`], [renamed, EVENTS], [renamed, DEAD], [unnamed, EVENTS],
    ]) {
      const messages = [await good(), { ...(await good()), attempts: LAST }, messageOf("junk")];
      for (const delay of await dispatch(messages, { queue, worker })) {
        assert.ok(50 <= delay, `${queue}: again after ${delay} s`);
      }
      for (const it of messages) assert.equal(await letterOf(it), undefined);
      assert.match(system.logs(), new RegExp(`set EVENTS_QUEUE or DEAD_QUEUE.*"queue":"${queue}"`));
      assert.deepEqual(await dispatch(messages), ["ack", "ack", "ack"]);
    }
    const messages = [await good()];
    assert.deepEqual(await dispatch(messages, { queue: "other", worker: renamed }), ["ack"]);
    assert.equal((await deliveryOf(messages[0])).outcome, "applied");
  });

  it("applies a batch far larger than one parameter may be", async () => {
    const names = Array.from({ length: 100 }, (_, i) => `role-${i}-${"x".repeat(110)}`);
    const users = Array.from({ length: 90 }, () => clerk.newId("user"));
    const events = users.map((user) => clerk.user(user, { public_metadata: { roles: names } }));
    const messages = await Promise.all(events.map((event) => message(event)));
    assert.ok(800_000 < messages.reduce((sum, { body }) => sum + body.length, 0));
    assert.deepEqual(await dispatch(messages), messages.map(() => "ack"));
    for (const it of messages) assert.equal((await deliveryOf(it)).outcome, "applied");
  });

  it("retries all without its database, and applies all without the role caches", async () => {
    const messages = [await message(clerk.user(clerk.newId("user"))), messageOf("junk")];
    const worker = await system.worker("without-database");
    for (const delay of await dispatch(messages, { worker })) {
      assert.ok(1 <= delay && delay <= 2, `again after ${delay} s`);
    }
    const [first] = messages;
    await dispatch([first], { worker: await system.worker("without-objects") });
    assert.equal((await deliveryOf(first)).outcome, "applied");
  });
});
