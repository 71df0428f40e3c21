// Roles as a guarded page sees them. The guard follows every change by Clerk or an operator, long
// before any age limit: a set is served for 30 seconds without a database read, and no test here
// takes as long, so the changes arrive by hints alone.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { withRole } from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

const UPDATED = { verb: "updated" };

describe("the guard", { concurrency: true }, () => {
  let system;

  before(async () => {
    system = await start();
  });
  after(() => system?.stop());

  /** Delivers events in order, and waits until the last one is settled. */
  async function tell(...events) {
    for (const event of events) {
      const answer = await deliver(system.ingest, event);
      assert.equal(answer.status, 202);
      if (event === events.at(-1)) await system.waitForOutcome(answer);
    }
  }

  const status = async (user, where) => (await system.get(user, where)).status;

  /** Waits until the guard answers with this status, and checks that it stays so. */
  async function follows(user, where, want) {
    await system.waitForStatus(user, where, want);
    for (let asked = 0; asked < 10; asked += 1) {
      assert.equal(await status(user, where), want, where);
    }
  }

  it("follows a role that is granted and revoked", async () => {
    const user = clerk.newId("user");
    await tell(clerk.user(user));
    assert.equal(await status(user, "/admin"), 403);
    await tell(withRole(user, "admin"));
    await follows(user, "/admin", 200);
    assert.deepEqual((await system.me(user)).roles, ["admin", "member"]);
    const granted = await system.check(user, "role=admin");
    assert.deepEqual([granted.status, granted.allowed], [200, true]);

    await tell(withRole(user, "editor"));
    await follows(user, "/admin", 403);
    const revoked = await system.check(user, "role=admin");
    assert.deepEqual([revoked.status, revoked.allowed], [403, false]);
    assert.ok(granted.version < revoked.version, "a later set must have a greater version");
    assert.ok(revoked.age_ms < 30_000);
    assert.deepEqual((await system.me(user)).roles, ["editor", "member"]);
  });

  it("follows a ban and its end", async () => {
    const user = clerk.newId("user");
    await tell(withRole(user, "admin"));
    assert.equal(await status(user, "/admin"), 200);
    await tell(clerk.user(user, { banned: true, public_metadata: { role: "admin" } }, UPDATED));
    await follows(user, "/admin", 403);
    for (const where of ["/dashboard", "/api/me", "/api/check?role=member", "/orgs/org_x"]) {
      assert.equal(await status(user, where), 403, where);
    }
    await tell(withRole(user, "admin"));
    await follows(user, "/admin", 200);
  });

  it("follows a deletion, and no later event undoes it", async () => {
    const [user, org] = [clerk.newId("user"), clerk.newId("org")];
    const joined = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:admin" });
    await tell(withRole(user, "admin"), joined);
    assert.equal(await status(user, "/admin"), 200);
    assert.equal(await status(user, `/orgs/${org}`), 200);
    await tell(clerk.deleted("user", user));
    await follows(user, "/admin", 403);
    await tell(withRole(user, "admin"));
    for (const where of ["/dashboard", "/admin", `/orgs/${org}`, "/api/me"]) {
      assert.equal(await status(user, where), 403, where);
    }
  });

  it("follows a membership, its role and its end", async () => {
    const [user, org, orgmem] = [clerk.newId("user"), clerk.newId("org"), clerk.newId("orgmem")];
    const settings = `/orgs/${org}/settings`;
    await tell(clerk.user(user), clerk.organization(org));
    assert.equal(await status(user, `/orgs/${org}`), 403);
    const joined = clerk.membership(orgmem, { org, user, role: "org:member" });
    await tell(joined);
    await follows(user, `/orgs/${org}`, 200);
    assert.equal(await status(user, settings), 403);
    assert.equal(await status(user, "/admin"), 403);

    await tell(clerk.membership(orgmem, { org, user, role: "org:admin" }, UPDATED));
    await follows(user, settings, 200);
    // An organization role is not an app role, and is not valid in another organization.
    assert.equal(await status(user, "/admin"), 403);
    assert.equal(await status(user, `/orgs/${clerk.newId("org")}/settings`), 403);
    assert.equal(await status(user, `/api/check?org=${org}&role=org:admin`), 200);
    assert.equal(await status(user, "/api/check?role=org:admin"), 403);

    await tell(clerk.membershipDeleted(joined));
    await follows(user, `/orgs/${org}`, 403);
    assert.equal(await status(user, settings), 403);
  });

  it("counts one membership of a pair, even if the first delete is late or lost", async () => {
    const [user, org] = [clerk.newId("user"), clerk.newId("org")];
    const settings = `/orgs/${org}/settings`;
    const asked = `/api/check?org=${org}&role=org:admin&fresh=1`;
    const first = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:admin" });
    const second = clerk.membership(clerk.newId("orgmem"), { org, user, role: "org:member" });
    await tell(clerk.user(user), first);
    await follows(user, settings, 200);
    await tell(second);
    await follows(user, settings, 403);
    assert.equal(await status(user, asked), 403);
    assert.equal(await status(user, `/orgs/${org}`), 200);

    // The second ends while the delete of the first is still lost: the first does not come back.
    await tell(clerk.membershipDeleted(second));
    await follows(user, `/orgs/${org}`, 403);
    assert.equal(await status(user, asked), 403);
    const { version } = await system.watch(user);
    await tell(clerk.membershipDeleted(first));
    assert.equal(await status(user, settings), 403);
    assert.equal((await system.watch(user)).version, version, "the late delete changes nothing");
  });

  it("uses a membership's own permission list until the catalogue has its role", async () => {
    const [user, org, role] = [clerk.newId("user"), clerk.newId("org"), clerk.newId("role")];
    const key = `org:role_${role.slice(-8)}`;
    const can = `/api/check?org=${org}&permission=org:own${role.slice(-8)}:list`;
    const own = { org, user, role: key, permissions: [`org:own${role.slice(-8)}:list`] };
    await tell(clerk.membership(clerk.newId("orgmem"), own));
    await follows(user, can, 200);
    // A role that this member does not have takes nothing from them.
    await tell(clerk.role(clerk.newId("role"), { key: "org:auditor" }));
    await follows(user, can, 200);
    await tell(clerk.role(role, { key }), clerk.deleted("role", role));
    await follows(user, can, 403);
    await tell(clerk.membership(clerk.newId("orgmem"), own));
    assert.equal(await status(user, can), 403, "a later list must not bring the permission back");
  });

  it("follows the deletion of an organization", async () => {
    const [user, other, org] = [clerk.newId("user"), clerk.newId("user"), clerk.newId("org")];
    for (const who of [user, other]) {
      await tell(clerk.membership(clerk.newId("orgmem"), { org, user: who, role: "org:admin" }));
    }
    await follows(user, `/orgs/${org}/settings`, 200);
    await follows(other, `/orgs/${org}`, 200);
    await tell(clerk.deleted("organization", org));
    await follows(user, `/orgs/${org}/settings`, 403);
    await follows(other, `/orgs/${org}`, 403);
  });

  it("follows an operator's SQL after the next sweep", async () => {
    const user = clerk.newId("user");
    await tell(clerk.user(user));
    assert.equal(await status(user, "/admin"), 403);
    await system.sql("INSERT INTO roles (name) VALUES ('admin') ON CONFLICT (name) DO NOTHING");
    const role = "(SELECT id FROM roles WHERE name = 'admin')";
    await system.sql(`INSERT INTO user_roles (user_id, role_id) VALUES ('${user}', ${role})`);
    await swept(user);
    await follows(user, "/admin", 200);
    await system.sql(`DELETE FROM user_roles WHERE user_id = '${user}' AND role_id = ${role}`);
    await swept(user);
    await follows(user, "/admin", 403);
    // Neither is undone by a later profile event.
    await tell(withRole(user, "admin"));
    assert.equal(await status(user, "/admin"), 403);
  });

  /** Another test's batch may have sent the hint; after a sweep no hint is pending. */
  async function swept(user) {
    const { outcome } = await system.sweep();
    assert.equal(outcome, "ok");
    const acked = async () => {
      const { version, acked } = await system.watch(user);
      return version === acked;
    };
    await waitFor("the hint is acknowledged", acked);
  }

  it("gives the default role to every live user, and not to an unknown one", async () => {
    const [user, late] = [clerk.newId("user"), clerk.newId("user")];
    await tell(clerk.user(user));
    assert.deepEqual((await system.me(user)).roles, ["member"]);
    assert.equal(await status(user, "/api/check?role=member"), 200);

    // The webhook is late: signed in without roles, and a later grant works.
    assert.equal(await status(late, "/dashboard"), 200);
    const { roles, organizations } = await system.me(late);
    assert.deepEqual({ roles, organizations }, { roles: [], organizations: [] });
    for (const where of ["/admin", "/orgs/org_x", "/api/check?role=member"]) {
      assert.equal(await status(late, where), 403, where);
    }
    await tell(withRole(late, "admin"));
    await follows(late, "/admin", 200);
  });

  it("follows the catalogue: a permission is removed from a role, or deleted", async () => {
    const [user, org] = [clerk.newId("user"), clerk.newId("org")];
    const [role, read, write] = [clerk.newId("role"), clerk.newId("perm"), clerk.newId("perm")];
    const key = `org:role_${role.slice(-8)}`;
    const [mayRead, mayWrite] = [`org:p${read.slice(-8)}:read`, `org:p${write.slice(-8)}:write`];
    const both = [{ id: read, key: mayRead }, { id: write, key: mayWrite }];
    const can = (permission) => `/api/check?org=${org}&permission=${permission}`;
    const own = { org, user, role: key, permissions: ["org:own:list"] };
    await tell(
      clerk.role(role, { key, permissions: both }),
      clerk.membership(clerk.newId("orgmem"), own),
    );
    await follows(user, can(mayRead), 200);
    assert.equal(await status(user, can(mayWrite)), 200);
    // Once the catalogue has the role, the membership's own list is ignored.
    assert.equal(await status(user, can("org:own:list")), 403);
    // A permission is not valid without its organization either.
    assert.equal(await status(user, `/api/check?permission=${mayRead}`), 403);
    const canBoth = `${can(mayRead)}&permission=${mayWrite}`;
    assert.equal(await status(user, canBoth), 200);

    await tell(clerk.role(role, { key, permissions: [both[0]] }, UPDATED));
    await follows(user, can(mayWrite), 403);
    assert.equal(await status(user, canBoth), 403);
    assert.equal(await status(user, `${canBoth}&any=1`), 200);
    await tell(clerk.deleted("permission", read));
    await follows(user, can(mayRead), 403);
  });

  it("ends a watch without owner by its own hint", async () => {
    const user = clerk.newId("user");
    const watched = "INSERT INTO watches (user_id, owner, version, acked) VALUES (?1, 7, 9, 9)";
    await system.sql(watched, user);
    await tell(withRole(user, "admin"));
    const isGone = async () => (await system.watch(user)) === undefined;
    await waitFor("the watch is deleted", isGone);
    assert.equal(await status(user, "/admin"), 200);
    assert.ok(7 < (await system.watch(user)).owner);
  });

  it("does not change other users' role caches", async () => {
    const [user, other] = [clerk.newId("user"), clerk.newId("user")];
    await tell(withRole(user, "admin"), withRole(other, "admin"));
    await follows(user, "/admin", 200);
    await follows(other, "/admin", 200);
    const { version } = await system.watch(other);
    await tell(clerk.user(user, { banned: true }, UPDATED));
    await follows(user, "/admin", 403);
    assert.equal((await system.watch(other)).version, version);
    assert.equal(await status(other, "/admin"), 200);
  });

  it("does not follow changes of other profile fields", async () => {
    const user = clerk.newId("user");
    await tell(withRole(user, "admin"));
    await follows(user, "/admin", 200);
    const { version } = await system.watch(user);
    const profile = { first_name: "Ada", email_addresses: [] };
    await tell(clerk.user(user, { ...profile, public_metadata: { role: "admin" } }, UPDATED));
    const row = await system.row("SELECT email FROM users WHERE id = ?1", user);
    assert.equal(row.email, null);
    assert.equal((await system.watch(user)).version, version);
  });

  it("reads the database on request, and returns no version below the requested one", async () => {
    const user = clerk.newId("user");
    await tell(clerk.user(user));
    const { version } = await system.check(user, "role=member");
    // An operator's SQL: no hint until the next batch or sweep.
    await system.sql("INSERT INTO roles (name) VALUES ('auditor') ON CONFLICT (name) DO NOTHING");
    const auditor = "SELECT ?1, id FROM roles WHERE name = 'auditor'";
    await system.sql(`INSERT INTO user_roles (user_id, role_id) ${auditor}`, user);
    const now = (await system.watch(user)).version;
    assert.ok(version < now);
    const reached = await system.check(user, `role=auditor&min_version=${now}`);
    assert.deepEqual([reached.status, reached.version], [200, now]);
    const beyond = await system.get(user, `/api/check?role=auditor&min_version=${now + 1_000_000}`);
    assert.equal(beyond.status, 503);
    assert.match(beyond.headers.get("retry-after"), /^\d+$/);

    await system.sql(`DELETE FROM role_grants WHERE user_id = '${user}'`);
    const fresh = async () => (await system.check(user, "role=auditor&fresh=1")).status === 403;
    await waitFor("a fresh answer knows of the removal", fresh);
  });
});
