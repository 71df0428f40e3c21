// The responses of the app Worker `ssr` to users with and without roles, and without a session.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import {
  DOCUMENT, SIGN_OUT_URL, checkLocalPath, checkResponse, comparable, returnPath,tags,
} from "./support/answers.mjs";
import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import {
  PUBLIC_ROUTES, apiPaths, apiRoutes, guardedPages, guardedRoutes, statusesFor,
} from "./support/routes.mjs";
import { PARTY, PEM_VARS, bearer, makeKey, mint } from "./support/sessions.mjs";
import { start } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";

describe("a response", () => {
  const [admin, orgAdmin, orgMember, banned, gone, unknown, hostile, harmless] =
    Array.from({ length: 8 }, () => clerk.newId("user"));
  const [ours, foreign, nowhere] = Array.from({ length: 3 }, () => clerk.newId("org"));
  let system;

  before(async () => {
    const ssr = { vars: { ...PEM_VARS, SIGN_OUT_URL } };
    system = await start({ ssr, ingest: true, consumer: true, durable: true });
    const joins = (user, org, fields) =>
      clerk.membership(clerk.newId("orgmem"), { org, user, ...fields });
    const roles = (list) => ({ public_metadata: { roles: list } });
    const events = [
      clerk.user(admin, roles(["admin"])),
      ...[orgAdmin, orgMember].map((id) => clerk.user(id)),
      clerk.user(banned, { banned: true, ...roles(["admin"]) }),
      clerk.user(gone, roles(["admin"])),
      clerk.deleted("user", gone),
      ...[ours, foreign].map((id) => clerk.organization(id)),
      joins(orgAdmin, ours, { role: "org:admin", permissions: ["org:posts:read"] }),
      joins(orgMember, ours, { role: "org:member", permissions: [] }),
      joins(clerk.newId("user"), foreign, { role: "org:admin" }),
      clerk.user(hostile, roles(HOSTILE)),
      joins(hostile, ours, { role: HOSTILE_ROLE, permissions: HOSTILE }),
      clerk.user(harmless, roles(HOSTILE.map((_, at) => `role-${at}`))),
      joins(harmless, ours, { role: "org:x", permissions: HOSTILE.map((_, at) => `org:x:${at}`) }),
    ];
    const taken = [];
    for (const event of events) taken.push(await deliver(system.ingest, event));
    for (const delivery of taken) {
      assert.notEqual((await system.waitForOutcome(delivery)).outcome, "parked");
    }
  });
  after(() => system?.stop());

  /** Sends a request as `user`, and checks the rules for all responses. `null` sends no session. */
  async function ask(user, path, how = {}) {
    const what = `${how.method ?? "GET"} ${path} as ${user}`;
    return checkResponse(await system.get(user, path, how), what);
  }

  const withToken = (token, path, headers = {}) =>
    ask(null, path, { headers: { ...headers, ...bearer(token) } });

  const PAGES = guardedPages(ours);
  const GUARDED = guardedRoutes(ours);

  it("S-1 S-12 has its headers on every route, for every user and status", async () => {
    const places = [
      ...PUBLIC_ROUTES, "/nothing", "/dashboard/", ...GUARDED, ...apiPaths(),
      `/orgs/${foreign}`, "/api/check?role=member&min_version=9007199254740992",
    ];
    const statuses = new Set();
    for (const path of places) {
      for (const user of [null, admin, orgMember, banned]) {
        for (const method of ["GET", "HEAD", "POST"]) {
          for (const headers of [{}, DOCUMENT]) {
            // `ask` checks every response against the list in support/answers.mjs.
            statuses.add((await ask(user, path, { method, headers })).status);
          }
        }
      }
    }
    assert.deepEqual([...statuses].sort(), [200, 302, 400, 401, 403, 404, 405, 503]);
  });

  it("S-9 S-10 without a session redirects page loads to sign-in; all else gets 401", async () => {
    const people = [DOCUMENT, { "sec-fetch-dest": "document" }, { accept: "Text/HTML" }];
    const script = { "sec-fetch-dest": "empty", accept: "*/*" };
    const programs = [{}, { accept: "application/json" }, script];
    for (const method of ["GET", "HEAD"]) {
      for (const path of PAGES) {
        for (const headers of people) {
          const answer = await ask(null, path, { method, headers });
          assert.equal(answer.status, method === "GET" ? 302 : 401, path);
          if (method === "GET") assert.equal(returnPath(answer.headers.get("location")), path);
        }
        for (const headers of programs) {
          assert.equal((await ask(null, path, { method, headers })).status, 401, path);
        }
      }
      for (const path of apiRoutes()) {
        for (const headers of [...people, ...programs]) {
          assert.equal((await ask(null, path, { method, headers })).status, 401, path);
        }
      }
    }
  });

  it("J-19 J-22 to an invalid session is the same as without a session", async () => {
    const past = Math.floor(Date.now() / 1000) - 3_600;
    const none = [
      mint(admin, { claims: { exp: past + 60, iat: past, nbf: past } }),
      mint(admin, { claims: { sts: "pending" } }),
      mint(admin, { claims: { azp: "https://evil.example" } }),
      mint(admin, { signer: makeKey() }),
      "garbage",
    ];
    for (const path of GUARDED) {
      for (const headers of [{}, DOCUMENT]) {
        const nobody = comparable(await ask(null, path, { headers }));
        for (const token of none) {
          assert.deepEqual(comparable(await withToken(token, path, headers)), nobody, path);
        }
      }
    }
  });

  it("S-10 depends on the user's roles", async () => {
    const paths = [...GUARDED, `/orgs/${foreign}`, `/orgs/${nowhere}/settings`];
    const statuses = (...has) => [...statusesFor(has), 403, 403];
    const expected = {
      [admin]: statuses("session", "app member", "app admin"),
      [orgAdmin]: statuses("session", "app member", "organization member", "organization admin"),
      [orgMember]: statuses("session", "app member", "organization member"),
      [banned]: statuses(),
      [gone]: statuses(),
      // No webhook has arrived yet: a session without roles.
      [unknown]: statuses("session"),
    };
    const refusals = [];
    for (const [user, wanted] of Object.entries(expected)) {
      for (const [at, path] of paths.entries()) {
        const answer = await ask(user, path, { headers: DOCUMENT });
        assert.equal(answer.status, wanted[at], `${path} as ${user}`);
        const head = await ask(user, path, { method: "HEAD", headers: DOCUMENT });
        assert.deepEqual([head.status, head.text], [answer.status, ""], path);
        assert.deepEqual(withoutLength(head), withoutLength(answer), path);
        if (answer.status === 403 && !path.startsWith("/api/")) refusals.push(comparable(answer));
      }
    }
    // S-11: for other methods the guard comes first. `/api/check` itself needs only a session.
    const guarded = { ...expected, [unknown]: statuses("session", "app member") };
    for (const [user, wanted] of Object.entries(guarded)) {
      for (const [at, path] of paths.entries()) {
        for (const method of ["POST", "DELETE"]) {
          const { status } = await ask(user, path, { method, headers: DOCUMENT });
          assert.equal(status, wanted[at] === 200 ? 405 : 403, `${method} ${path} as ${user}`);
        }
      }
    }
    // Missing role, foreign, unknown, banned, deleted: the responses are equal.
    for (const refusal of refusals) assert.deepEqual(refusal, refusals[0]);
  });

  it("S-10 is the same for foreign and for missing organizations", async () => {
    const of = async (query) => {
      const { status, text } = await ask(orgMember, `/api/check?${query}`);
      const { allowed, version } = JSON.parse(text);
      return { status, allowed, version, names: Object.keys(JSON.parse(text)) };
    };
    const lacking = await of("role=admin");
    assert.deepEqual([lacking.status, lacking.allowed], [403, false]);
    for (const org of [ours, foreign, nowhere, "", "%00", "../x"]) {
      assert.deepEqual(await of(`role=org:admin&org=${org}`), lacking, org);
      assert.deepEqual(await of(`permission=org:posts:read&org=${org}`), lacking, org);
    }
  });

  it("to a role query is yes, no, or 400 for an invalid query", async () => {
    const none = [
      "", "org=x", "any=1", "fresh=1", "min_version=1", "permision=org:x:y&role=member",
      "role=member&x=1", "role=member&Role=x", "role=", "role=member&permission=",
      "role=member&min_version=abc", "role=member&min_version=-1", "role=member&min_version=1.5",
      "role=member&min_version=", "role=member&min_version=9007199254740993",
      "role=member&fresh=yes", "role=member&any=true", "role=member&any=1&any=0",
      "role=org:member&org=a&org=b", "role=member&org=a", "role=admin&org=a&any=1",
      "permission=posts:read&org=a", "role=member&role=org:admin&org=a",
      "role=member&".repeat(65),
    ];
    for (const query of none) {
      assert.equal((await ask(orgAdmin, `/api/check?${query}`)).status, 400, query);
      assert.equal((await ask(null, `/api/check?${query}`)).status, 401, query);
    }
    const asked = {
      "role=member": 200,
      "role=admin": 403,
      "role=Member": 403,
      "role=member&role=admin": 403,
      "role=member&role=admin&any=1": 200,
      "role=admin&role=editor&any=1": 403,
      "role=member&fresh=1": 200,
      "role=member&min_version=1": 200,
      // No user has this version yet.
      "role=member&min_version=9007199254740992": 503,
      [`role=org:admin&org=${ours}`]: 200,
      [`role=org:admin&permission=org:posts:read&org=${ours}`]: 200,
      [`role=org:member&org=${ours}`]: 403,
      [`role=org:admin&org=${foreign}`]: 403,
      [`permission=org:posts:read&org=${ours}`]: 200,
      [`permission=org:posts:write&org=${ours}`]: 403,
      [`permission=org:posts:write&permission=org:posts:read&org=${ours}&any=1`]: 200,
      // An organization role without an organization: the whole query is invalid.
      "role=org:admin": 403,
      "permission=org:posts:read": 403,
      "role=member&role=org:admin&any=1": 403,
    };
    for (const [query, status] of Object.entries(asked)) {
      const answer = await ask(orgAdmin, `/api/check?${query}`);
      assert.equal(answer.status, status, query);
      if (status === 503) continue;
      const { allowed, version, source, age_ms } = JSON.parse(answer.text);
      assert.equal(allowed, status === 200, query);
      assert.ok(Number.isSafeInteger(version) && 0 < version && 0 <= age_ms && source, query);
    }
  });

  it("of /api/me accepts the same freshness parameters as /api/check", async () => {
    const none = [
      "role=member", "fresh=yes", "fresh=", "Fresh=1", "fresh=1&fresh=1", "min-version=1",
      "min_version=", "min_version=-1", "min_version=9007199254740993", "fresh=1&x=1",
    ];
    for (const query of none) {
      assert.equal((await ask(orgAdmin, `/api/me?${query}`)).status, 400, query);
      assert.equal((await ask(null, `/api/me?${query}`)).status, 401, query);
    }
    for (const query of ["", "fresh=0&min_version=0", "min_version=1"]) {
      assert.equal((await ask(orgAdmin, `/api/me?${query}`)).status, 200, query);
    }
    // The second query within a second uses the result of the first.
    const { source } = JSON.parse((await ask(orgAdmin, "/api/me?fresh=1")).text);
    assert.ok(["fill", "object"].includes(source), source);
    assert.equal((await ask(orgAdmin, "/api/me?min_version=9007199254740992")).status, 503);
  });

  it("S-15 takes no role from a token", async () => {
    const claims = {
      o: { id: ours, rol: "admin", slg: "acme", per: "read", fpm: "1" },
      org_id: ours, org_role: "org:admin", org_permissions: ["org:posts:read"],
      public_metadata: { role: "admin", roles: ["admin"] }, role: "admin", roles: ["admin"],
    };
    const question = `/api/check?permission=org:posts:read&org=${ours}`;
    const paths = ["/admin", `/orgs/${ours}/settings`, question];
    for (const path of paths) {
      assert.equal((await withToken(mint(orgMember, { claims }), path)).status, 403, path);
      assert.equal((await withToken(mint(unknown, { claims }), path)).status, 403, path);
    }
  });

  it("J-22 names the impersonator, on the page and in the log", async () => {
    // An actor may be any string; markup in it is escaped. The log has a user's id only.
    const hostile = "Ann\"},{\"x\":\"\n<script>alert(1)</script> & co";
    for (const actor of [clerk.newId("user"), "support.desk@corp.example", hostile]) {
      const act = { iss: "https://dashboard.clerk.com", sid: "sess_2Support", sub: actor };
      const { status, text } = await withToken(mint(orgMember, { claims: { act } }), "/dashboard");
      assert.equal(status, 200, actor);
      const shown = text.replaceAll("&#34;", '"').replaceAll("&#60;", "<").replaceAll("&#62;", ">")
        .replaceAll("&#38;", "&");
      assert.ok(shown.includes(`<code>${actor}</code> acts as <code>${orgMember}</code>`), text);
      assert.ok(!text.includes("<script"), text);
      const named = actor.startsWith("user_") ? actor : "hidden";
      await waitFor("it is logged", () => system.logs().includes(`"actor":"${named}"`));
    }
    assert.ok(!(await ask(orgMember, "/dashboard")).text.includes("Impersonated"));
  });

  it("S-3 is never another user's, even with many concurrent requests", async () => {
    const people = [admin, orgAdmin, orgMember, null];
    const asking = Array.from({ length: 40 }, async (_, at) => {
      const user = people[at % people.length];
      const method = at % 3 === 0 ? "HEAD" : "GET";
      const page = await ask(user, "/dashboard", { method, headers: DOCUMENT });
      const { text } = await ask(user, "/api/me");
      const nobody = method === "GET" ? 302 : 401;
      assert.equal(page.status, user === null ? nobody : 200);
      for (const other of people.filter((it) => it !== null && it !== user)) {
        assert.ok(!page.text.includes(other) && !text.includes(other));
      }
      if (user !== null) assert.equal(JSON.parse(text).user_id, user);
    });
    await Promise.all(asking);
  });

  it("S-8 redirects only to paths of this site", async () => {
    const backs = {
      "?next=//evil.example": "?next=//evil.example",
      "?redirect_url=https://evil.example/": "?redirect_url=https://evil.example/",
      "?a=%0d%0aLocation:%20https://evil.example": "?a=%0d%0aLocation:%20https://evil.example",
      "?a=%22%3E%3Cscript%3E&b=1": "?a=%22%3E%3Cscript%3E&b=1",
      "?q=\u00fc": "?q=%C3%BC",
    };
    for (const [query, kept] of Object.entries(backs)) {
      const answer = await ask(null, `/dashboard${query}`, { headers: DOCUMENT });
      assert.equal(returnPath(answer.headers.get("location")), `/dashboard${kept}`);
    }
    // A query that a browser might read as another site, or that is too long, is removed.
    for (const query of ["?x=\\evil.example", `?${"a".repeat(3_000)}`]) {
      const answer = await ask(null, `/dashboard${query}`, { headers: DOCUMENT });
      assert.equal(returnPath(answer.headers.get("location")), "/dashboard");
    }
  });

  it("S-8 S-9 of the sign-in page leads to Clerk and back to the requested page", async () => {
    const leadsTo = async (query) => {
      const { status, text } = await ask(null, `/sign-in${query}`, { headers: DOCUMENT });
      assert.equal(status, 200, query);
      const links = [...text.matchAll(/href="([^"]*)"/g)].map(([, link]) => unescaped(link));
      const away = links.filter((link) => !/^[/#]/.test(link));
      const [clerks, ...more] = away.map((link) => new URL(link));
      assert.deepEqual(more, []);
      assert.equal(clerks.origin + clerks.pathname, "https://accounts.example.com/sign-in");
      const back = clerks.searchParams.get("redirect_url");
      assert.ok(back.startsWith(`${PARTY}/`), back);
      return checkLocalPath(back.slice(PARTY.length));
    };
    assert.equal(await leadsTo(""), "/dashboard");
    assert.equal(await leadsTo("?redirect_url=/orgs/org_1%3Ftab%3D2"), "/orgs/org_1?tab=2");
    for (const raw of HOSTILE_BACKS) {
      assert.equal(await leadsTo(`?redirect_url=${encodeURIComponent(raw)}`), "/", raw);
    }
    // No loop: a page without redirects is public.
    const { headers } = await ask(null, "/admin", { headers: DOCUMENT });
    assert.equal(await leadsTo(headers.get("location").replace("/sign-in", "")), "/admin");
  });

  it("has a sign-out form if and only if a user is signed in", async () => {
    const hasForm = async (user, path) =>
      (await ask(user, path, { headers: DOCUMENT })).text.includes("<form");
    for (const path of PAGES) {
      // Also on denied pages: the user may have signed in with the wrong account.
      for (const user of [admin, orgAdmin, banned]) assert.ok(await hasForm(user, path), path);
      assert.ok(!(await hasForm(null, path)), path);
    }
    const open = ["/", "/sign-in", "/nothing"];
    for (const path of open) assert.ok(!(await hasForm(admin, path)), path);
  });

  it("S-13 shows names as text, whatever characters they have", async () => {
    const codes = (html, row) => [...html.matchAll(row)].map(([, text]) => unescaped(text)).sort();
    for (const path of ["/dashboard", `/orgs/${ours}`]) {
      const [page, peer] = [await ask(hostile, path), await ask(harmless, path)];
      assert.deepEqual([page.status, peer.status], [200, 200], path);
      assert.deepEqual(tags(page.text), tags(peer.text), "not one tag more");
      assert.ok(codes(page.text, /<code>([^<]*)<\/code>/g).includes(HOSTILE_ROLE), path);
    }
    const { text } = await ask(hostile, "/dashboard");
    const roles = [...HOSTILE, "member"].sort();
    assert.deepEqual(codes(text, /<li><code>([^<]*)<\/code><\/li>/g), roles);
    const me = JSON.parse((await ask(hostile, "/api/me")).text);
    assert.deepEqual(me.roles.sort(), roles);
    assert.equal(me.organizations[0].role, HOSTILE_ROLE);
    assert.deepEqual(me.organizations[0].permissions.sort(), [...HOSTILE].sort());
    // A role that is similar to `admin` is not `admin`.
    assert.equal((await ask(hostile, "/admin")).status, 403);
  });

  it("S-6 without personal data is the same for everybody", async () => {
    for (const path of [...PUBLIC_ROUTES, "/nothing"]) {
      const nobody = await ask(null, path);
      assert.equal(nobody.status, path === "/nothing" ? 404 : 200, path);
      assert.deepEqual(comparable(await ask(admin, path)), comparable(nobody), path);
    }
    const style = (user) => system.get(user, "/assets/style.css");
    const nobody = await style(null);
    assert.equal(nobody.status, 200);
    assert.deepEqual(comparable(await style(admin)), comparable(nobody));
    assert.match(nobody.headers.get("cache-control"), /^public/);
    assert.equal(nobody.headers.get("set-cookie"), null);
  });

  it("leaves no token, cookie or query in the logs", async () => {
    const cookie = `__session=${mint(orgMember)}; c=cookie-canary`;
    const path = "/dashboard?q=query-canary";
    assert.equal((await ask(null, path, { headers: { cookie } })).status, 200);
    await withToken(`${mint(orgMember)}x`, path);
    await waitFor("it is logged", () => /session token rejected/.test(system.logs()));
    assert.match(system.logs(), /"outcome":"granted"/);
    assert.doesNotMatch(system.logs(), /eyJ|bearer|__session|canary|person@example/i);
  });
});

/** Names that would be markup or code if they were not escaped. */
const HOSTILE = [
  "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</code></li></ul><h1>",
  "' onclick='x",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that looks like a template
  "&lt;b&gt;", "{{ 7*7 }}", "${7*7}", "\u202enimda", "a\u2028line", "admin\u200b", "ad min", "ADMIN",
  "javascript:alert(1)", "\u{1f600}", "a%00b", "../../admin", "<!--", "]]>",
];

const HOSTILE_ROLE = `org:${HOSTILE[0]}`;

/** Values that an attacker may put into `redirect_url`. */
const HOSTILE_BACKS = [
  "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
  "/\r\nLocation: https://evil.example", "/%2f%2fevil.example", "/%5Cevil.example",
  "/.//evil.example",
  "https://evil.example", "https:evil.example", `${PARTY}.evil.example/`, `${PARTY}@evil.example/`,
  "javascript:alert(1)", "data:text/html,x", "@evil.example", "dashboard", "",
];

function unescaped(html) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"' };
  const read = (_, code, name) => (code ? String.fromCodePoint(code) : named[name]);
  return html.replace(/&(?:#(\d+)|([a-z]+));/g, read);
}

/** A response to HEAD may have no content-length. */
function withoutLength(answer) {
  const lengths = ["content-length", "transfer-encoding"];
  return comparable(answer).headers.filter(([name]) => !lengths.includes(name));
}
