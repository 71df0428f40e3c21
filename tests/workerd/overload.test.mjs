// Overload: role caches and a database that report overload, or errors that can be retried. What is
// overloaded is not called again at once, and no accepted event is lost.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import {
  controlledDatabase, controlledRoleCaches, sinkOf, startDirect, workerOf,
} from "./support/direct.mjs";
import { messageOf } from "./support/pipeline.mjs";
import { PEM_VARS, bearer, mint } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

/** Cloudflare's texts: developers.cloudflare.com/durable-objects/best-practices/error-handling */
const OVERLOADED = {
  message: "Durable Object is overloaded. Too many requests queued.",
  marks: { overloaded: true, retryable: true, remote: false },
};
const RETRYABLE = {
  message: "Network connection lost.",
  marks: { retryable: true, remote: false },
};
const BROKEN = { message: "the object itself failed", marks: { remote: true } };

/** D1's messages: developers.cloudflare.com/d1/observability/debug-d1 */
const D1_OVERLOADED = [
  "D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
  "D1_ERROR: D1 DB is overloaded. Too many requests queued.",
  "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
];

/** Commits that an overloaded database rejects before the whole batch is retried later. */
const REFUSALS_MAX = 9;

/** Seconds until a message is retried with an overloaded database. */
const [LATER, MUCH_LATER] = [2, 15];

describe("overload", () => {
  const sealed = [];
  const [database, objects] = [controlledDatabase(), controlledRoleCaches()];
  let system;
  let consumer;

  before(async () => {
    const wrappedBindings = { DB: "controlled-database" };
    const ROLES = "controlled-role-caches";
    system = await startDirect(
      [
        workerOf("ssr", {
          bindings: PEM_VARS, durableObjects: undefined, wrappedBindings: { ROLES },
        }),
        workerOf("durable", { d1Databases: undefined, wrappedBindings }),
        workerOf("consumer", {
          queueConsumers: undefined,
          d1Databases: undefined,
          durableObjects: undefined,
          wrappedBindings: { ...wrappedBindings, ROLES },
        }),
        workerOf("ingest", { queueProducers: { EVENTS: { queueName: "sealed" } } }),
        sinkOf(sealed, "sealed"),
        database.worker,
        objects.worker,
      ],
      { caches: { ROLES: "rolecall-durable" } },
    );
    consumer = await system.worker("rolecall-consumer");
  });
  after(() => system?.stop());
  afterEach(() => {
    objects.trouble = () => undefined;
    database.gate = () => undefined;
  });

  /** Requests a guarded page. */
  async function guard(user, where = "/admin") {
    const ssr = await system.worker("rolecall-ssr");
    const request = { headers: bearer(mint(user)), redirect: "manual" };
    const response = await ssr.fetch(`https://app.example.com${where}`, request);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Checks for 503 with Retry-After, without data of the page. */
  async function checkUnavailable(user) {
    for (const where of ["/admin", "/api/me", "/api/check?role=admin&fresh=1"]) {
      const { status, headers, text } = await guard(user, where);
      assert.equal(status, 503, where);
      assert.match(headers.get("retry-after"), /^[1-9]\d*$/, where);
      assert.ok(!text.includes(user) && !text.includes("Administration</h1>"), where);
    }
  }

  /** Returns the calls of role caches during `work`. */
  async function callsOf(work) {
    const known = objects.calls.length;
    await work();
    return objects.calls.slice(known);
  }

  async function message(event) {
    const { id } = await deliver(await system.worker("rolecall-ingest"), event);
    const isIt = (text) => JSON.parse(text).svix_id === id;
    return messageOf(await waitFor("it is encoded", () => sealed.find(isIt)), { id });
  }

  /** Dispatches messages to the consumer, and returns "ack" or the retry delay of each. */
  async function hand(messages, queue = "rolecall-events") {
    const { outcome, explicitAcks, retryMessages } = await consumer.queue(queue, messages);
    assert.equal(outcome, "ok");
    const delays = new Map(retryMessages.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]));
    return messages.map(({ id }) => (explicitAcks.includes(id) ? "ack" : delays.get(id)));
  }

  const sweep = async () => (await consumer.scheduled({ cron: "* * * * *" })).outcome;
  const watch = async (user) =>
    (await system.sql("SELECT * FROM watches WHERE user_id = ?1", user))[0];

  async function newAdmin() {
    const user = clerk.newId("user");
    assert.deepEqual(await hand([await message(clerk.withRole(user, "admin"))]), ["ack"]);
    return user;
  }

  it("C-8 F-5 of a role cache: it is queried once, and the answer is 503", async () => {
    const user = await newAdmin();
    assert.equal((await guard(user)).status, 200);
    objects.trouble = () => OVERLOADED;
    const calls = await callsOf(() => checkUnavailable(user));
    objects.trouble = () => undefined;
    assert.equal(calls.length, 3, "one for each query");
    assert.equal((await guard(user)).status, 200);
  });

  it("C-8 F-5 with a retryable error: the query is repeated with new stubs", async () => {
    const user = await newAdmin();
    let left;
    objects.trouble = () => (0 < left-- ? RETRYABLE : undefined);
    for (const failures of [1, 2]) {
      left = failures;
      const calls = await callsOf(async () => assert.equal((await guard(user)).status, 200));
      assert.equal(calls.length, failures + 1);
      assert.equal(new Set(calls.map(({ stub }) => stub)).size, calls.length, "a new stub each");
    }
    left = Infinity;
    const calls = await callsOf(async () => assert.equal((await guard(user)).status, 503));
    assert.equal(calls.length, 3, "bounded");
    // An answer of the role cache itself is not retried.
    objects.trouble = () => BROKEN;
    assert.equal((await callsOf(() => checkUnavailable(user))).length, 3, "one for each query");
    objects.trouble = () => undefined;
    assert.equal((await guard(user)).status, 200);
  });

  for (const trouble of [OVERLOADED, RETRYABLE]) {
    it(`C-8 F-5 a failed hint stays pending, once per sweep: ${trouble.message}`, async () => {
      const user = await newAdmin();
      assert.equal((await guard(user)).status, 200);
      const change = await message(clerk.withRole(user, "editor"));
      objects.trouble = ({ path }) => (path === "/hint" ? trouble : undefined);
      const ofUser = (calls) => calls.filter(({ name }) => name === user).length;
      const calls = await callsOf(async () => assert.deepEqual(await hand([change]), ["ack"]));
      assert.equal(ofUser(calls), 1);
      assert.equal(ofUser(await callsOf(sweep)), 1);
      const { version, acked } = await watch(user);
      assert.ok(acked < version);
      objects.trouble = () => undefined;
      await sweep();
      assert.equal((await watch(user)).acked, version);
      assert.equal((await guard(user)).status, 403);
    });
  }

  it("F-4 of the database: messages are retried much later, and none is lost", async () => {
    const events = Array.from({ length: 20 }, () => clerk.withRole(clerk.newId("user"), "admin"));
    const messages = await Promise.all(events.map((event) => message(event)));
    const ids = JSON.stringify(messages.map(({ id }) => id));
    const some = "svix_id IN (SELECT value FROM json_each(?1))";
    const text = `SELECT outcome FROM deliveries WHERE ${some}`;
    const known = database.batches;
    for (const cause of D1_OVERLOADED) {
      database.gate = (when) => (when === "before" ? cause : undefined);
      const delays = await hand(messages);
      for (const delay of delays) assert.ok(MUCH_LATER <= delay, `${cause}: again in ${delay} s`);
      // Not together: the next batch must be smaller than the rejected one.
      assert.ok(10 < new Set(delays).size, `${delays}`);
      assert.deepEqual(await system.sql(text, ids), []);
    }
    // As many as find one costly message, and one for the settings: then no further commits.
    const asked = database.batches - known;
    assert.ok(asked <= (REFUSALS_MAX + 1) * D1_OVERLOADED.length * 2, `${asked} batches`);
    assert.deepEqual(await system.sql("SELECT * FROM dead_letters"), []);
    // Committed, but the answer was lost: the message is retried, and applied once.
    const LOST = "D1_ERROR: Network connection lost.";
    database.gate = (when) => (when === "after" ? LOST : undefined);
    for (const delay of await hand(messages)) assert.ok(delay <= LATER, `again in ${delay} s`);
    database.gate = () => undefined;
    assert.deepEqual(await hand(messages), messages.map(() => "ack"));
    assert.deepEqual(await system.sql(text, ids), messages.map(() => ({ outcome: "applied" })));
  });

  for (const place of [0, 13, 19]) {
    it(`F-4 F-7 one costly message at place ${place} of twenty harms no other`, async () => {
      const events = Array.from({ length: 20 }, () => clerk.withRole(clerk.newId("user"), "admin"));
      const messages = await Promise.all(events.map((event) => message(event)));
      const { id } = messages[place];
      const { id: user } = events[place].data;
      // The row is costly to write, the dead letter is not.
      database.gate = (when, texts, parameters) => {
        const costs = (text, i) =>
          text.includes("INTO users") && JSON.stringify(parameters[i]).includes(user);
        return when === "before" && texts.some(costs) ? D1_OVERLOADED[2] : undefined;
      };
      const outcomes = await hand(messages);
      assert.ok(MUCH_LATER <= outcomes[place], `again in ${outcomes[place]} s`);
      assert.deepEqual(outcomes.with(place, "ack"), messages.map(() => "ack"));
      // Only the last attempt of the dead-letter queue parks it, and only this message.
      const others = messages.map((it, i) => ({ ...it, attempts: i === place ? 101 : 100 }));
      assert.deepEqual(await hand(others, "rolecall-dead"), messages.map(() => "ack"));
      const letters = await system.sql("SELECT message_id, reason, attempts FROM dead_letters");
      assert.deepEqual(letters, [{ message_id: id, reason: "overloaded", attempts: 110 }]);
      await system.sql("DELETE FROM dead_letters");
    });
  }

  it("F-4 of the database in a fill: 503, and the database is read once", async () => {
    const users = [];
    for (const cause of D1_OVERLOADED) {
      const user = await newAdmin();
      users.push(user);
      database.gate = (when) => (when === "before" ? cause : undefined);
      const known = database.batches;
      assert.equal((await guard(user)).status, 503);
      assert.equal(database.batches - known, 1);
      await checkUnavailable(user);
      database.gate = () => undefined;
    }
    for (const user of users) {
      const isBack = async () => (await guard(user)).status === 200;
      await waitFor("the object has waited", isBack);
    }
  });
});
