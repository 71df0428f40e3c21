// `GET /explain/{id}` and `POST /users/{id}/roles` on the built Workers: what became of a delivery,
// why a role counts, and that an explanation says what a guard is told.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { HOST, TOKEN } from "./support/console.mjs";
import { deliver, newId } from "./support/delivery.mjs";
import { rejectUserSql, start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

describe("explanations and grants", () => {
  let system;

  before(async () => {
    const console_ = { secrets: { OPERATOR_TOKEN: TOKEN } };
    system = await start({ ingest: true, consumer: true, durable: true, console: console_ });
  });
  after(() => system?.stop());

  async function api(path, { method = "GET", body } = {}) {
    const headers = { authorization: `Bearer ${TOKEN}`, host: HOST };
    if (body !== undefined) headers["content-type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    const url = `https://${HOST}/api/v1/${path}`;
    const response = await system.console.fetch(url, { method, headers, body: text });
    return { status: response.status, json: await response.json() };
  }

  async function explain(id) {
    const { status, json } = await api(`explain/${id}`);
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(json.id, id);
    return json;
  }

  const change = (user, body) => api(`users/${user}/roles`, { method: "POST", body });

  async function changed(user, body) {
    const { status, json } = await change(user, { reason: "on call", ...body });
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  }

  /** Delivers an event and waits for its outcome. */
  async function settle(event) {
    const delivery = await deliver(system.ingest, event);
    return system.waitForOutcome(delivery);
  }

  async function newUser(roles = []) {
    const user = clerk.newId("user");
    await settle(clerk.user(user, { public_metadata: { roles } }));
    return user;
  }

  /** What counts by the explanation, and that a guard is told the same. */
  async function counted(user) {
    const { entity } = await explain(user);
    const roles = entity.roles.filter(({ counts }) => counts).map(({ role }) => role);
    const { body } = await system.ask(user, { fresh: true });
    assert.deepEqual(roles, body.set.roles);
    return roles;
  }

  it("tells the story of a delivery of each outcome", async () => {
    const user = clerk.newId("user");
    const older = clerk.user(user, { public_metadata: { role: "old" } });
    const event = clerk.withRole(user, "admin");
    const poisoned = clerk.newId("user");
    await system.sql(rejectUserSql(poisoned));
    const events = {
      applied: event,
      superseded: older,
      duplicate: { ...event, timestamp: event.timestamp - 1 },
      parked: clerk.user(poisoned),
    };
    for (const [outcome, given] of Object.entries(events)) {
      const row = await settle(given);
      assert.equal(row.outcome, outcome);
      const { delivery, entity } = await explain(row.svix_id);
      assert.equal(entity, null);
      assert.equal(delivery.row.outcome, outcome);
      assert.equal(delivery.row.id_reused, false);
      const texts = delivery.story.map(({ text }) => text);
      assert.ok(texts.some((text) => text.startsWith(`Its outcome is ${outcome}.`)), texts.join("\n"));
      const times = delivery.story.map(({ at }) => at);
      assert.deepEqual(times, times.toSorted((a, b) => a - b), "in the order of time");
      const parked = texts.filter((text) => text.startsWith("Parked as the dead letter"));
      assert.equal(parked.length, outcome === "parked" ? 1 : 0);
      assert.equal(delivery.letters.length, parked.length);
    }
    // Ingest queues no event of a type that is not synced; an older one did.
    const svix_id = newId();
    const at = event.timestamp;
    const body = "ba7816bf8f01cfea414140de5dae2223";
    const times = { attempted_at: at, received_at: at, event_at: at };
    const letter = { v: 1, svix_id, ...times, body, type: "sms.created", letter: "ignored" };
    await system.enqueue(JSON.stringify(letter));
    await system.waitForOutcome({ id: svix_id });
    const { delivery } = await explain(svix_id);
    assert.equal(delivery.row.outcome, "ignored");
    const { entity } = await explain(user);
    const found = entity.deliveries.map(({ outcome }) => outcome).sort();
    assert.deepEqual(found, ["applied", "duplicate", "superseded"]);
    assert.equal((await explain(poisoned)).entity.letters.length, 1);
  });

  it("says that nothing is known of an id", async () => {
    for (const id of [newId(), "something"]) {
      const { status, json } = await api(`explain/${id}`);
      assert.equal(status, 404);
      assert.equal(json.error, "not-found");
      assert.ok(json.next);
    }
    const { entity } = await explain(clerk.newId("user"));
    assert.deepEqual([entity.row, entity.roles.filter(({ counts }) => counts)], [null, []]);
    assert.equal((await api("explain/a.b")).status, 400);
  });

  it("says why each role of a user counts or does not", async () => {
    const user = await newUser(["admin", "editor"]);
    await changed(user, { role: "editor", granted: false });
    await changed(user, { role: "owner", granted: true, reason: "holiday cover" });
    const { entity } = await explain(user);
    const reasons = new Map(entity.roles.map((it) => [it.role, it]));
    assert.equal(reasons.get("member").counts, true);
    assert.match(reasons.get("member").because.join(" "), /default role/);
    assert.match(reasons.get("admin").because.join(" "), /public_metadata/);
    assert.equal(reasons.get("editor").counts, false);
    assert.match(reasons.get("editor").because.join(" "), /Revoked by token:[0-9a-f]{8} /);
    assert.match(reasons.get("owner").because.join(" "), /^Granted by token:.*"holiday cover"/);
    assert.deepEqual(await counted(user), ["admin", "member", "owner"]);
    await settle(clerk.user(user, { banned: true }, { verb: "updated" }));
    assert.deepEqual(await counted(user), []);
    assert.match((await explain(user)).entity.summary, /banned/);
  });

  it("says what a membership gives", async () => {
    const [user, org] = [await newUser(), clerk.newId("org")];
    const [permission, role] = [clerk.newId("perm"), clerk.newId("role")];
    const key = `org:r${role.slice(-6)}`;
    const id = clerk.newId("orgmem");
    await settle(clerk.organization(org));
    const permissions = [{ id: permission, key: "org:posts:read" }];
    await settle(clerk.role(role, { key, permissions }));
    const membership = clerk.membership(id, { org, user, role: key });
    await settle(membership);
    const [held] = (await explain(user)).entity.organizations;
    assert.deepEqual(
      [held.id, held.org_id, held.role, held.counts, held.permissions],
      [id, org, key, true, ["org:posts:read"]],
    );
    assert.deepEqual((await explain(id)).entity.organizations, [held]);
    await settle(clerk.membershipDeleted(membership));
    assert.deepEqual((await explain(user)).entity.organizations, []);
    const [gone] = (await explain(id)).entity.organizations;
    assert.equal(gone.counts, false);
  });

  it("compares the cache with the database, and does not wake it", async () => {
    const user = await newUser(["admin"]);
    const cold = (await explain(user)).entity.cache;
    assert.deepEqual([cold.watched, cold.cached_version, cold.hint_pending], [false, null, false]);
    assert.equal(await system.watch(user), undefined, "a look registers no watch");
    await system.ask(user);
    const { version } = await system.watch(user);
    const warm = (await explain(user)).entity.cache;
    assert.deepEqual(
      [warm.watched, warm.version, warm.acked, warm.cached_version, warm.hint_pending],
      [true, version, version, version, false],
    );
    assert.ok(0 <= warm.cached_age_ms);
    // A writer beside the consumer sends no hint: the sweep will.
    await system.sql("UPDATE users SET app_roles = '[]' WHERE id = ?1", user);
    const owed = (await explain(user)).entity.cache;
    assert.deepEqual([owed.hint_pending, owed.cached_version], [true, version]);
    assert.match(owed.summary, /A hint for version \d+ is pending/);
    await system.sweep();
    await waitFor("the hint is acknowledged", async () => {
      return !(await explain(user)).entity.cache.hint_pending;
    });
  });

  it("grants a role until its end, which the sweep carries out", async () => {
    const user = await newUser();
    const ends_at = Date.now() + 1_500;
    const dry = await changed(user, { role: "on-call", granted: true, ends_at, dry_run: true });
    assert.deepEqual([dry.done, dry.before, dry.after], [false, ["member"], ["member", "on-call"]]);
    assert.deepEqual(await counted(user), ["member"]);
    const done = await changed(user, { role: "on-call", granted: true, ends_at });
    assert.deepEqual({ ...dry, done: true }, done);
    const [row] = await system.sql(
      "SELECT actor, action, detail FROM audit WHERE target = ?1 ORDER BY seq", user,
    );
    assert.match(row.actor, /^token:[0-9a-f]{8}$/);
    assert.equal(row.action, "roles.granted");
    assert.deepEqual(JSON.parse(row.detail), {
      role: "on-call", reason: "on call", ends_at, before: done.before, after: done.after,
    });
    await waitFor("the sweep ends the grant", async () => {
      await system.sweep();
      const grants = await system.sql("SELECT * FROM role_grants WHERE user_id = ?1", user);
      return grants.length === 0;
    });
    assert.ok(ends_at <= Date.now(), "not before its end");
    assert.deepEqual(await counted(user), ["member"]);
    const actions = await system.sql("SELECT action FROM audit ORDER BY seq DESC LIMIT 1");
    assert.deepEqual(actions, [{ action: "roles.ended" }]);
  });

  it("keeps every one of many changes at once, in one chain", async () => {
    const user = await newUser();
    const names = ["r1", "r2", "r3"];
    await Promise.all(names.map((role) => changed(user, { role, granted: true })));
    assert.deepEqual(await counted(user), ["member", ...names]);
    const rows = await system.sql("SELECT seq, prev, hash FROM audit ORDER BY seq");
    for (const [at, { seq, prev }] of rows.entries()) {
      assert.equal(seq, at + 1);
      assert.equal(prev, rows[at - 1]?.hash ?? "");
    }
  });

  it("refuses what is wrong, and says what to do", async () => {
    const user = await newUser();
    const good = { role: "x", granted: true, reason: "why" };
    for (const [who, body, status, error] of [
      [clerk.newId("user"), good, 404, "unknown-user"],
      ["org_1", good, 400, "invalid"],
      [user, { ...good, role: "org:admin" }, 400, "invalid-role"],
      [user, { ...good, reason: " " }, 400, "invalid-reason"],
      [user, { ...good, ends_at: 1 }, 400, "invalid-end"],
      [user, { ...good, other: 1 }, 400, "invalid"],
      [user, { role: "x" }, 400, "invalid"],
    ]) {
      const { status: got, json } = await change(who, body);
      assert.deepEqual([got, json.error], [status, error], JSON.stringify(json));
      assert.ok(json.next);
    }
    assert.deepEqual(await counted(user), ["member"]);
  });
});
