// The guards of packages/guard in a separate app (packages/guard/test/app), bound to the real role
// caches: access follows what Clerk delivers.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import { findSnippets } from "../../packages/guard/test/snippets.ts";
import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { HEADER, ISSUER, PARTY, PEM_VARS, bearer, compact, mint } from "./support/sessions.mjs";
import { ROOT, standInForDurable, start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

/** A Worker that is configured as in the package's README. */
const APP = {
  config: {
    name: "rolecall-app",
    main: "packages/guard/test/app/worker.ts",
    compatibility_date: "2026-04-01",
    durable_objects: {
      bindings: [{ name: "ROLES", class_name: "RoleCache", script_name: "rolecall-durable" }],
    },
  },
};

/** The requirement of each guard. */
const GUARDS = [
  "/role?role=admin",
  "/organization-role?organization=org_x&role=org:admin",
  "/permission?organization=org_x&permission=org:posts:write",
  "/member?organization=org_x",
  "/roles",
  "/role?role=admin&fresh",
];

async function ask(system, user, where) {
  const headers = { "x-user": user };
  const response = await system.app.fetch(`https://app.example.com${where}`, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function isForbidden(system, user, where) {
  const { status, headers, text } = await ask(system, user, where);
  assert.deepEqual([status, text], [403, "forbidden"], where);
  assert.equal(headers.get("cache-control"), "private, no-store");
}

async function checkUnavailable(system, user) {
  const closed = async (where) => {
    const { status, headers, text } = await ask(system, user, where);
    assert.deepEqual([status, text], [503, "unavailable"], where);
    assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
  };
  await Promise.all(GUARDS.map(closed));
}

describe("an app with packages/guard", () => {
  let system;

  before(async () => {
    system = await start({ app: APP, ingest: true, consumer: true, durable: true });
  });
  after(() => system?.stop());

  const send = async (event) => system.waitForOutcome(await deliver(system.ingest, event));
  const becomes = (user, where, wanted) =>
    waitFor(`${where} answers ${user} with ${wanted}`, async () => {
      return (await ask(system, user, where)).status === wanted;
    });

  it("lets a user pass with the role, and no more after it is revoked", async () => {
    const user = clerk.newId("user");
    await send(clerk.withRole(user, "admin"));
    const { status, text } = await ask(system, user, "/role?role=admin");
    assert.deepEqual([status, text], [200, "welcome"]);
    await isForbidden(system, user, "/role?role=editor");
    await isForbidden(system, user, "/role?role=org:admin");
    await send(clerk.withRole(user, "editor"));
    await becomes(user, "/role?role=admin", 403);
    await isForbidden(system, user, "/role?role=admin");
    assert.equal((await ask(system, user, "/role?role=editor")).status, 200);
  });

  it("reads the database first for `fresh`", async () => {
    const user = clerk.newId("user");
    await send(clerk.withRole(user, "admin"));
    const grant = "/role?role=operator&fresh";
    await isForbidden(system, user, grant);
    // An operator's SQL: no hint is sent.
    await system.sql("INSERT OR IGNORE INTO roles (name) VALUES ('operator')");
    const granted = `INSERT INTO user_roles (user_id, role_id)
      SELECT ?1, id FROM roles WHERE name = 'operator'`;
    await system.sql(granted, user);
    await becomes(user, grant, 200);
  });

  it("distinguishes organizations", async () => {
    const [user, org, other] = [clerk.newId("user"), clerk.newId("org"), clerk.newId("org")];
    const [membership, permission] = [clerk.newId("orgmem"), clerk.newId("perm")];
    const [role, key] = [`org:${clerk.newId("role")}`, `org:posts:${permission}`];
    const carried = [{ id: permission, key }];
    await send(clerk.withRole(user, "member"));
    await send(clerk.permission(permission, { key }));
    await send(clerk.role(clerk.newId("role"), { key: role, permissions: carried }));
    const joined = clerk.membership(membership, { org, user, role });
    await send(joined);
    for (const [where, query] of [
      ["/member", ""],
      ["/organization-role", `&role=${role}`],
      ["/permission", `&permission=${key}`],
    ]) {
      await becomes(user, `${where}?organization=${org}${query}`, 200);
      await isForbidden(system, user, `${where}?organization=${other}${query}`);
      await isForbidden(system, user, `${where}?${query}`);
    }
    await isForbidden(system, user, `/role?role=${role}`);
    await send(clerk.membershipDeleted(joined));
    await becomes(user, `/member?organization=${org}`, 403);
    await isForbidden(system, user, `/permission?organization=${org}&permission=${key}`);
  });

  it("returns roles with version, source and age", async () => {
    const user = clerk.newId("user");
    await send(clerk.withRole(user, "admin"));
    const first = JSON.parse((await ask(system, user, "/roles")).text);
    assert.deepEqual([first.userId, first.userStatus, first.source], [user, "live", "fill"]);
    assert.deepEqual(first.roles, ["admin", "member"]);
    const second = JSON.parse((await ask(system, user, "/roles")).text);
    assert.deepEqual([second.version, second.source], [first.version, "object"]);
    assert.equal(second.version, (await system.watch(user)).version);
    assert.ok(0 <= first.ageMs && first.ageMs <= 60_000);
  });

  it("denies banned, deleted and unknown users, and requests without a user", async () => {
    const [banned, gone] = [clerk.newId("user"), clerk.newId("user")];
    const admin = { public_metadata: { role: "admin" } };
    await send(clerk.user(banned, { ...admin, banned: true }));
    await send(clerk.user(gone, admin));
    await send(clerk.deleted("user", gone));
    for (const user of [banned, gone, clerk.newId("user"), "", "mch_1", "user_ü"]) {
      await isForbidden(system, encodeURI(user), "/role?role=admin");
    }
    await isForbidden(system, banned, "/roles");
    await isForbidden(system, gone, "/roles");
  });

  it("answers 503 while the database fails, and as before afterwards", async () => {
    const user = clerk.newId("user");
    await send(clerk.withRole(user, "admin"));
    await system.sql("ALTER TABLE users RENAME TO test_users");
    try {
      await checkUnavailable(system, user);
    } finally {
      await system.sql("ALTER TABLE test_users RENAME TO users");
    }
    const isBack = async () => (await ask(system, user, "/role?role=admin")).status === 200;
    await waitFor("the object has waited", isBack);
  });
});

for (const name of ["throws", "hangs"]) {
  it(`an app with packages/guard denies access if the role cache ${name}`, async () => {
    const system = await start({ app: APP, durable: standInForDurable(name) });
    try {
      await checkUnavailable(system, clerk.newId("user"));
      const logs = system.logs();
      assert.match(logs, /roles unavailable/);
      assert.match(logs, name === "throws" ? /unreachable/ : /timeout/);
    } finally {
      await system.stop();
    }
  });
}

/** Inside the root, where the packages are found. */
const FOLDER = "target/readme";

/** A Worker from the package's README. */
function ofReadme(wanted) {
  const text = readFileSync(path.join(ROOT, "packages/guard/README.md"), "utf8");
  const { code } = findSnippets(text).find(({ file }) => file === wanted);
  const main = path.join(FOLDER, path.basename(wanted));
  mkdirSync(path.join(ROOT, FOLDER), { recursive: true });
  writeFileSync(path.join(ROOT, main), code);
  const { host } = new URL(ISSUER);
  const vars = {
    CLERK_PUBLISHABLE_KEY: `pk_live_${Buffer.from(`${host}$`).toString("base64")}`,
    CLERK_SECRET_KEY: "sk_live_of_the_tests",
    CLERK_JWT_KEY: PEM_VARS.CLERK_JWT_KEY,
  };
  return { config: { ...APP.config, main, vars } };
}

for (const [kind, file, method] of [
  ["plain", "src/worker.ts", "GET"],
  ["Hono", "src/index.ts", "DELETE"],
]) {
  describe(`the ${kind} Worker of packages/guard's README`, () => {
    const [org, user] = [clerk.newId("org"), clerk.newId("user")];
    const where = `/orgs/${org}/posts/1`;
    const page = { accept: "text/html", "sec-fetch-dest": "document" };
    let system;

    before(async () => {
      const workers = { ingest: true, consumer: true, durable: true };
      system = await start({ app: ofReadme(file), ...workers });
      await system.waitForOutcome(await deliver(system.ingest, clerk.withRole(user, "admin")));
    });
    after(async () => {
      await system?.stop();
      rmSync(path.join(ROOT, FOLDER), { recursive: true, force: true });
    });

    const visit = (address, headers, how = method) => {
      const init = { method: how, headers: { origin: PARTY, ...headers }, redirect: "manual" };
      return system.app.fetch(`${PARTY}${address}`, init);
    };
    const isKept = ({ headers }) => {
      assert.equal(headers.get("cache-control"), "private, no-store");
      const allowed = headers.get("access-control-allow-origin");
      assert.equal(allowed, kind === "Hono" ? PARTY : null);
    };

    it("reads the roles of the signed-in user", async () => {
      const response = await visit(where, bearer(mint(user)));
      isKept(response);
      const text = await response.text();
      const want = kind === "Hono" ? [403, "forbidden"] : [200, "Welcome, admin."];
      assert.deepEqual([response.status, text], want);
    });

    it("rejects requests without a session", async () => {
      const response = await visit(where, { "sec-fetch-dest": "empty" });
      isKept(response);
      if (kind === "plain") assert.equal((await visit("/", page)).status, 302);
      const said = await response.json();
      assert.deepEqual([response.status, said], [401, { error: "unauthenticated", renew: false }]);
    });

    it("renews an expired session by a redirect, and sets the cookies", async () => {
      const past = Math.floor(Date.now() / 1000) - 120;
      const claims = { iat: past, nbf: past, exp: past + 60 };
      const cookie = `__session=${mint(user, { claims })}; __client_uat=${past - 60}`;
      const response = await visit(where, { ...page, cookie }, "GET");
      isKept(response);
      assert.equal(response.status, 307);
      const lines = response.headers.getSetCookie().join();
      const [, asked] = /__Host-rolecall_asked=([\w-]{36});/.exec(lines);
      const back = new URL(response.headers.get("location")).searchParams.get("redirect_url");
      assert.equal(back, `${PARTY}${where}?rolecall_asked=${asked}`);
      const cookies = [`__session=${mint(user)}; Path=/`, `__client_uat=${past}; Path=/`];
      const answer = `__clerk_handshake=${compact(HEADER, { handshake: cookies })}`;
      const home = `${where}?rolecall_asked=${asked}&${answer}`;
      const tie = { cookie: `${cookie}; __Host-rolecall_asked=${asked}` };
      const taken = await visit(home, { ...page, ...tie }, "GET");
      assert.deepEqual([taken.status, taken.headers.get("location")], [307, where]);
      assert.match(taken.headers.get("set-cookie"), /__session=ey/);
      const link = await visit(home, page, "GET");
      assert.deepEqual([link.status, link.headers.get("location")], [307, where]);
      assert.doesNotMatch(link.headers.get("set-cookie") ?? "", /__session/);
    });
  });
}
