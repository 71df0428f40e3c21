// Which users a guard lets pass, and which get 403.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  getRoles,
  hasOrganizationRole,
  hasPermission,
  hasRole,
  isMember,
  requireMembership,
  requireOrganizationRole,
  requirePermission,
  requireRole,
} from "../src/index.ts";
import { ORG, OTHER_ORG, Objects, USER, hold, isForbidden, saysSample, thrown } from "./support.ts";

const ADMIN = { organization: ORG, role: "org:admin" };
const WRITE = { organization: ORG, permission: "org:posts:write" };

/** Every guard, with a requirement that the sample's user meets. */
function guards(objects: Objects, user = USER): (() => Promise<void>)[] {
  return [
    () => requireRole(objects.env, user, "admin"),
    () => requireOrganizationRole(objects.env, user, ADMIN),
    () => requirePermission(objects.env, user, WRITE),
    () => requireMembership(objects.env, user, { organization: ORG }),
  ];
}

describe("a guard", () => {
  const live = () => new Objects(saysSample("answer.live"));

  it("resolves to undefined if the requirement is met", async () => {
    for (const guard of guards(live())) assert.equal(await guard(), undefined);
  });

  it("queries the user's role cache once", async () => {
    const objects = live();
    await requireRole(objects.env, USER, "admin");
    assert.deepEqual(objects.calls.map(({ name }) => name), [USER]);
  });

  it("gives each of many concurrent users their own roles", async () => {
    const users = Array.from({ length: 50 }, (_, i) => `user_${i}`);
    const objects = new Objects(async ({ name, url }) => {
      assert.equal(JSON.parse(decodeURIComponent(new URL(url).search.slice(1))).user_id, name);
      // Later queries are answered first.
      for (let turn = Number(name.slice(5)); turn < 50; turn += 1) await undefined;
      return { status: 200, text: async () => text(name) };
    });
    const text = (name: string) => {
      const set = { version: 1, standing: "live", roles: [name], organizations: [] };
      return JSON.stringify({ set, source: "object", age_ms: 0, good_for_ms: 60_000 });
    };
    await Promise.all(
      users.map(async (user) => {
        await requireRole(objects.env, user, user);
        const known = await getRoles(objects.env, user);
        assert.deepEqual([known.userId, known.roles], [user, [user]]);
      }),
    );
  });

  it("denies a user who does not meet the requirement", async () => {
    const { env } = live();
    for (const role of ["editor", "Admin", "admin ", "adm", "org:admin"]) {
      await isForbidden(await thrown(requireRole(env, USER, role)), role);
    }
    for (const asked of [
      { organization: ORG, role: "org:member" },
      { organization: ORG, role: "admin" },
      { organization: OTHER_ORG, role: "org:admin" },
      { organization: "org_unknown", role: "org:admin" },
    ]) {
      const what = JSON.stringify(asked);
      await isForbidden(await thrown(requireOrganizationRole(env, USER, asked)), what);
    }
    for (const asked of [
      { organization: ORG, permission: "org:posts:delete" },
      { organization: OTHER_ORG, permission: "org:posts:write" },
      { organization: "org_unknown", permission: "org:posts:write" },
    ]) {
      const what = JSON.stringify(asked);
      await isForbidden(await thrown(requirePermission(env, USER, asked)), what);
    }
    const stranger = requireMembership(env, USER, { organization: "org_unknown" });
    await isForbidden(await thrown(stranger));
  });

  it("accepts each of several memberships in one organization", async () => {
    const one = (role: string) => ({ id: ORG, role, permissions: [`${role}:do`] });
    const organizations = [one("org:old"), one("org:new")];
    const { env } = new Objects(saysSample("answer.live", {}, { organizations }));
    for (const role of ["org:old", "org:new"]) {
      await requireOrganizationRole(env, USER, { organization: ORG, role });
      await requirePermission(env, USER, { organization: ORG, permission: `${role}:do` });
    }
  });

  for (const standing of ["banned", "dead"]) {
    it(`denies a user with standing ${standing}, even with roles`, async () => {
      const objects = new Objects(saysSample("answer.live", {}, { standing }));
      for (const guard of guards(objects)) await isForbidden(await thrown(guard()));
      await isForbidden(await thrown(getRoles(objects.env, USER)));
    });
  }

  it("returns an unknown user without roles", async () => {
    const objects = new Objects(saysSample("answer.unknown"));
    for (const guard of guards(objects)) await isForbidden(await thrown(guard()));
    assert.equal((await getRoles(objects.env, USER)).userStatus, "unknown");
  });

  it("denies an invalid user id and queries no role cache", async () => {
    const objects = live();
    for (const odd of [
      "", " ", "user_", "mch_1", "USER_1", " user_1", "user_1 ", "user_1\n", "user_a/../b",
      "user_ü", `user_${"a".repeat(124)}`, null, undefined, 7, Number.NaN, true, {}, ["user_1"],
      { toString: () => USER },
    ]) {
      for (const guard of [
        () => Reflect.apply(requireRole, undefined, [objects.env, odd, "admin"]),
        () => Reflect.apply(requirePermission, undefined, [objects.env, odd, WRITE]),
        () => Reflect.apply(getRoles, undefined, [objects.env, odd]),
      ]) {
        await isForbidden(await thrown(guard()), String(JSON.stringify(odd)));
      }
    }
    assert.equal(objects.calls.length, 0);
  });

  it("does not accept an organization role as an app role", async () => {
    const { env } = new Objects(saysSample("answer.live", {}, { roles: ["org:admin"] }));
    await isForbidden(await thrown(requireRole(env, USER, "org:admin")));
  });

  it("denies empty and invalid requirements", async () => {
    const organizations = ["", ORG].map((id) => ({ id, role: "", permissions: [""] }));
    const changes = { roles: ["", "undefined", "null"], organizations };
    const { env } = new Objects(saysSample("answer.live", {}, changes));
    for (const odd of ["", undefined, null, 0, {}, [], [""]]) {
      for (const [guard, asked] of [
        [requireRole, odd],
        [requireOrganizationRole, { organization: odd, role: odd }],
        [requireOrganizationRole, { organization: "", role: odd }],
        [requireOrganizationRole, { organization: ORG, role: odd }],
        [requirePermission, { organization: odd, permission: odd }],
        [requirePermission, { organization: "", permission: odd }],
        [requirePermission, { organization: ORG, permission: odd }],
        [requireMembership, { organization: odd }],
      ] as const) {
        const work = Reflect.apply(guard, undefined, [env, USER, asked]);
        await isForbidden(await thrown(work), `${guard.name} ${JSON.stringify(asked)}`);
      }
    }
  });

  it("denies administrative access to an impersonator", async () => {
    const keys = ["admin", "org:admin", "org:sys_memberships:manage"];
    const others = ["administrator", "org:administrator", "org:posts:sys_", "sys_"];
    const all = [...keys, ...others];
    const organizations = all.map((role) => ({ id: ORG, role, permissions: all }));
    const { env } = new Objects(saysSample("answer.live", {}, { roles: all, organizations }));
    const organization = ORG;
    const guards = (key: string, impersonated: boolean | undefined) => [
      requireOrganizationRole(env, USER, { organization, role: key }, { impersonated }),
      requirePermission(env, USER, { organization, permission: key }, { impersonated }),
      ...(key.startsWith("org:") ? [] : [requireRole(env, USER, key, { impersonated })]),
    ];
    for (const key of keys) {
      await Promise.all([...guards(key, false), ...guards(key, undefined)]);
      const closed = guards(key, true).map(async (guard) => isForbidden(await thrown(guard), key));
      await Promise.all(closed);
    }
    for (const key of others) await Promise.all(guards(key, true));
    await requireMembership(env, USER, { organization }, { impersonated: true });
  });

  it("throws a TypeError for an invalid minVersion", async () => {
    const objects = live();
    for (const minVersion of [Number.NaN, -1, 1.5, Infinity, 2 ** 53]) {
      await assert.rejects(getRoles(objects.env, USER, { minVersion }), TypeError);
      await assert.rejects(requireRole(objects.env, USER, "admin", { minVersion }), TypeError);
    }
    assert.equal(objects.calls.length, 0);
  });
});

describe("getRoles", () => {
  it("returns source and age", async (test) => {
    hold(test);
    const answer = saysSample("answer.live");
    const objects = new Objects((call) => {
      test.mock.timers.tick(40);
      return answer(call);
    });
    const known = await getRoles(objects.env, USER);
    assert.deepEqual(
      [known.userId, known.version, known.userStatus, known.source, known.ageMs],
      [USER, 1_764_000_000_123, "live", "object", 1_290],
    );
    assert.equal(known.validUntilMs, 1_764_000_000_000 + 58_750);
  });

  it("returns roles that grant what the guards grant, until they expire", async (test) => {
    hold(test);
    const known = await getRoles(new Objects(saysSample("answer.live")).env, USER);
    const asked = () => [
      hasRole(known, "admin"),
      hasOrganizationRole(known, ADMIN),
      hasPermission(known, WRITE),
      isMember(known, { organization: OTHER_ORG }),
    ];
    const not = [
      hasRole(known, "editor"),
      hasRole(known, "org:admin"),
      hasOrganizationRole(known, { ...ADMIN, organization: OTHER_ORG }),
      hasPermission(known, { ...WRITE, organization: OTHER_ORG }),
      isMember(known, { organization: "org_unknown" }),
      hasRole({ ...known, userStatus: "banned" }, "admin"),
    ];
    assert.deepEqual(not, Array(6).fill(false));
    test.mock.timers.tick(58_750);
    assert.deepEqual(asked(), [true, true, true, true]);
    test.mock.timers.tick(1);
    assert.deepEqual(asked(), [false, false, false, false]);
  });
});
