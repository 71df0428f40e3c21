// From ingest to the rows, through the real queue: repeated, reordered and rejected events give the
// same rows as if each event had come once and in order.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { deliver, newId } from "./support/delivery.mjs";
import { rejectUserSql, start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

/** No test waits for another one: each has its own users. */
describe("the pipeline", { concurrency: true }, () => {
  let system;

  before(async () => {
    system = await start({ ingest: true, consumer: true, durable: true });
  });
  after(() => system?.stop());

  const give = (event, how) => deliver(system.ingest, event, how);

  /** Delivers events one by one, each settled before the next. */
  async function inTurn(...events) {
    const outcomes = [];
    for (const event of events) {
      outcomes.push((await system.waitForOutcome(await give(event))).outcome);
    }
    return outcomes;
  }

  const userRow = (id) => system.row("SELECT * FROM users WHERE id = ?1", id);

  /** Returns a user's roles as a guard would get them, read from the database. */
  async function roles(user) {
    const { status, body } = await system.ask(user);
    assert.equal(status, 200);
    return body.set;
  }

  it("one delivery a thousand times has one effect", async () => {
    const user = clerk.newId("user");
    await system.sql("CREATE TABLE test_writes (what TEXT)");
    for (const what of ["INSERT", "UPDATE"]) {
      const when = `AFTER ${what} ON users WHEN NEW.id = '${user}'`;
      const note = `INSERT INTO test_writes VALUES ('${what}')`;
      await system.sql(`CREATE TRIGGER test_${what} ${when} BEGIN ${note}; END`);
    }
    const event = clerk.user(user, { public_metadata: { role: "editor" } });
    const id = newId();
    for (let sent = 0; sent < 1000; sent += 50) {
      const some = await Promise.all(Array.from({ length: 50 }, () => give(event, { id })));
      for (const { status } of some) assert.equal(status, 202);
    }
    const all = async () => (await system.waitForOutcome({ id })).copies === 1000;
    await waitFor("a thousand copies are counted", all, 60_000);
    const { outcome, id_reused } = await system.waitForOutcome({ id });
    assert.deepEqual({ outcome, id_reused }, { outcome: "applied", id_reused: 0 });
    assert.deepEqual(await system.sql("SELECT * FROM test_writes"), [{ what: "INSERT" }]);
  });

  it("two deliveries of one event have one effect", async () => {
    const user = clerk.newId("user");
    const event = clerk.user(user);
    assert.deepEqual(await inTurn(event, event), ["applied", "applied"]);
    const { n } = await system.row("SELECT count(*) AS n FROM users WHERE id = ?1", user);
    assert.equal(n, 1);
  });

  it("one id with two bodies is merged by the rules, and marked", async () => {
    const user = clerk.newId("user");
    const answer = await give(clerk.user(user));
    await system.waitForOutcome(answer);
    const other = clerk.user(user, { banned: true }, { verb: "updated" });
    assert.equal((await give(other, { id: answer.id })).status, 202);
    const marked = async () => (await system.waitForOutcome(answer)).id_reused === 1;
    await waitFor("the second body is marked", marked);
    assert.equal((await userRow(user)).banned, 1);
    assert.equal((await system.waitForOutcome(answer)).copies, 2);
  });

  it("an older update that comes late is superseded", async () => {
    const user = clerk.newId("user");
    const [early, late] = [clerk.later(), clerk.later()];
    const newer = clerk.withRole(user, "editor", { at: late });
    const older = clerk.withRole(user, "admin", { at: early });
    assert.deepEqual(await inTurn(newer, older), ["applied", "superseded"]);
    assert.equal((await userRow(user)).app_roles, '["editor"]');
    assert.deepEqual((await roles(user)).roles, ["editor", "member"]);
  });

  it("a deleted entity never comes back", async () => {
    const [user, unborn] = [clerk.newId("user"), clerk.newId("user")];
    const update = (id) => clerk.withRole(id, "admin");
    const created = clerk.user(user);
    const gone = clerk.deleted("user", user);
    // The update has a later time everywhere; it still changes nothing.
    assert.deepEqual(await inTurn(created, gone, update(user), created), [
      "applied", "applied", "superseded", "superseded",
    ]);
    // The delete comes first.
    assert.deepEqual(await inTurn(clerk.deleted("user", unborn), update(unborn)), [
      "applied", "superseded",
    ]);
    for (const id of [user, unborn]) {
      const blank = { email: null, app_roles: "[]", deleted: 1, updated_at: 0, digest: "" };
      const row = await userRow(id);
      assert.deepEqual(Object.fromEntries(Object.keys(blank).map((it) => [it, row[it]])), blank);
      const set = await roles(id);
      assert.deepEqual([set.standing, set.roles, set.organizations], ["dead", [], []]);
    }
  });

  it("a membership that comes before its user and organization counts", async () => {
    const [user, org] = [clerk.newId("user"), clerk.newId("org")];
    const joined = clerk.membership(clerk.newId("orgmem"), { org, user, role: "admin" });
    await inTurn(joined);
    const early = await roles(user);
    assert.equal(early.standing, "unknown");
    // The legacy spelling is normalised.
    assert.deepEqual(early.organizations.map(({ id, role }) => [id, role]), [[org, "org:admin"]]);
    await inTurn(clerk.user(user), clerk.organization(org));
    const live = async () => (await roles(user)).standing === "live";
    await waitFor("the user is known", live);
    assert.equal((await roles(user)).organizations.length, 1);
  });

  it("a membership of a deleted organization does not count", async () => {
    const [user, org] = [clerk.newId("user"), clerk.newId("org")];
    await inTurn(clerk.user(user), clerk.deleted("organization", org));
    const joined = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:admin" });
    assert.deepEqual(await inTurn(joined), ["applied"]);
    assert.deepEqual((await roles(user)).organizations, []);
  });

  it("a member who leaves and returns is not locked out by a late delete", async () => {
    const [user, org] = [clerk.newId("user"), clerk.newId("org")];
    const first = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:member" });
    const left = clerk.membershipDeleted(first);
    const back = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:admin" });
    await inTurn(clerk.user(user), first, back, left, first);
    const held = (await roles(user)).organizations.map(({ id, role }) => [id, role]);
    assert.deepEqual(held, [[org, "org:admin"]]);
  });

  it("a history in any order and repetition gives the same rows", async () => {
    const at = Array.from({ length: 7 }, () => clerk.later());
    const histories = Array.from({ length: 12 }, (_, seed) => historyOf(at, seed));
    for (const { events } of histories) {
      for (const event of events) assert.equal((await give(event)).status, 202);
    }
    // One batch at a time, in order: when the last message is settled, all are.
    const last = await give(clerk.user(clerk.newId("user")));
    await system.waitForOutcome(last);
    const ended = await Promise.all(histories.map(endOf));
    for (const [seed, rows] of ended.entries()) assert.deepEqual(rows, ended[0], `order ${seed}`);
    assert.equal(ended[0][1].deleted, 1);
    assert.equal(ended[0][2].role, "org:admin");
  });

  /** Seven events about new ids. Seed 0 keeps their order, others shuffle and repeat them. */
  function historyOf(at, seed) {
    const [user, org, orgmem] = [clerk.newId("user"), clerk.newId("org"), clerk.newId("orgmem")];
    const of = (role, how) => clerk.membership(orgmem, { org, user, role }, how);
    const update = { verb: "updated" };
    const both = { public_metadata: { roles: ["editor", "admin"] } };
    const events = [
      clerk.user(user, {}, { at: at[0] }),
      clerk.organization(org, {}, { at: at[1] }),
      of("org:member", { at: at[2] }),
      clerk.user(user, both, { ...update, at: at[3] }),
      of("org:admin", { ...update, at: at[4] }),
      clerk.deleted("organization", org, { at: at[5] }),
      clerk.withRole(user, "editor", { at: at[6] }),
    ];
    const mixed = () => shuffled([...events, events[seed % 7]], seed);
    return { user, org, orgmem, events: seed === 0 ? events : mixed() };
  }

  /** Without ids, which differ, and digests, which cover them. */
  async function endOf({ user, org, orgmem }) {
    const rows = [
      await userRow(user),
      await system.row("SELECT * FROM organizations WHERE id = ?1", org),
      await system.row("SELECT * FROM memberships WHERE id = ?1", orgmem),
    ];
    return rows.map(({ id, user_id, org_id, digest, ...rest }) => rest);
  }

  it("F-7 a message that D1 rejects does not affect the others", async () => {
    const poison = clerk.newId("user");
    await system.sql(rejectUserSql(poison));
    const users = Array.from({ length: 20 }, () => clerk.newId("user")).with(13, poison);
    const answers = await Promise.all(users.map((id) => give(clerk.user(id))));
    const rows = await Promise.all(answers.map((answer) => system.waitForOutcome(answer)));
    for (const [i, { outcome }] of rows.entries()) {
      assert.equal(outcome, users[i] === poison ? "parked" : "applied");
    }
    const letter = await system.waitForDeadLetter(answers[13]);
    assert.deepEqual([letter.reason, letter.attempts], ["refused-by-database", 1]);
    assert.equal(letter.subject, poison);
    assert.match(letter.detail, /poison/);

    // After the repair it is delivered again and applied: a parked message is not a duplicate.
    await system.sql("DROP TRIGGER test_poison");
    await give(clerk.user(poison), { id: answers[13].id });
    const isApplied = async () => (await system.waitForOutcome(answers[13])).outcome === "applied";
    await waitFor("it is applied", isApplied);
    assert.ok(await userRow(poison));
  });

  it("a message that ingest did not send is parked with its reason, beside good ones", async () => {
    const [good, before] = [clerk.newId("user"), Date.now()];
    const sent = [
      ["garbage", "text", "malformed"],
      ["", "text", "malformed"],
      ['{"v":1}', "text", "malformed"],
      [{ v: 1, svix_id: "msg_1" }, "json", "not-text"],
      [17, "json", "not-text"],
      [[["v", 1]], "v8", "not-text"],
    ];
    for (const [body, contentType] of sent) await system.enqueue(body, contentType);
    assert.equal((await system.waitForOutcome(await give(clerk.user(good)))).outcome, "applied");
    const text = "SELECT * FROM dead_letters WHERE svix_id IS NULL AND first_seen_at >= ?1";
    const letters = () => system.sql(text, before);
    await waitFor("all are parked", async () => sent.length === (await letters()).length);
    const count = (rows, reason) => rows.filter((row) => row.reason === reason).length;
    const rows = await letters();
    assert.deepEqual([count(rows, "malformed"), count(rows, "not-text")], [3, 3]);
    for (const { attempts } of rows) assert.equal(attempts, 1);
  });
});

/** Gives the same order for the same seed. */
function shuffled(list, seed) {
  let state = seed * 2_654_435_761;
  const next = (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  const all = [...list];
  for (let i = all.length - 1; 0 < i; i -= 1) {
    const j = next(i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}
