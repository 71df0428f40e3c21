// The built examples/react-router, with its own wrangler.toml, beside the real Workers: pages
// follow the roles that Clerk delivers, and the guards' decisions.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import wrangler from "wrangler";

import * as clerk from "./support/clerk.mjs";
import { deliver } from "./support/delivery.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { Jar, startLocalClerk } from "./support/local-clerk.mjs";
import { HEADER, ISSUER, PARTY, PEM_VARS, compact, makeKey, mint, pem } from "./support/sessions.mjs";
import { ROOT } from "./support/system.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

const FOLDER = path.join(ROOT, "examples/react-router");

const SIGN_IN = "https://accounts.example.com/sign-in";
const SCRIPT = { accept: "*/*", "sec-fetch-dest": "empty" };
const DOCUMENT = { accept: "text/html", "sec-fetch-dest": "document" };

/** A production key: a development instance would first need its own cookie in the browser. */
function publishableKey(issuer) {
  return `pk_live_${Buffer.from(`${new URL(issuer).host}$`).toString("base64")}`;
}

function example(bindings = {}) {
  const config = path.join(FOLDER, "wrangler.toml");
  const { workerOptions, main } = wrangler.unstable_getMiniflareWorkerOptions(config);
  return {
    ...workerOptions,
    name: "rolecall-example",
    modules: [{ type: "ESModule", path: main }],
    modulesRoot: path.dirname(main),
    bindings: {
      ...workerOptions.bindings,
      CLERK_PUBLISHABLE_KEY: publishableKey(ISSUER),
      CLERK_SECRET_KEY: "sk_of_the_tests",
      CLERK_JWT_KEY: PEM_VARS.CLERK_JWT_KEY,
      AUTHORIZED_PARTIES: `https://other.example, ${PARTY}`,
      SIGN_IN_URL: SIGN_IN,
      ...bindings,
    },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}

/** The cookies of a signed-in browser. */
function signedIn(user, how = {}) {
  const since = Math.floor(Date.now() / 1000) - 3_600;
  return { cookie: `__session=${mint(user, how)}; __client_uat=${since}` };
}

/** The cookies of a response: each name, with the rest of its line. */
function cookiesOf({ headers }) {
  const lines = headers.getSetCookie().map((line) => line.split("="));
  return new Map(lines.map(([name, ...rest]) => [name, rest.join("=")]));
}

/** Decodes a redirect in a script's data: values that refer to each other by index. */
function redirectIn(text) {
  const [[kind], fields, ...others] = JSON.parse(text);
  assert.equal(kind, "SingleFetchRedirect");
  const values = [kind, fields, ...others];
  const named = Object.entries(fields).map(([name, at]) => [values[name.slice(1)], values[at]]);
  return Object.fromEntries(named);
}

describe("the React Router example", () => {
  let system;
  let ingest;
  /** The URL of the example itself, without a proxy that checks origins too. */
  let origin;
  /** A form of the app's own page, as a browser sends it. */
  let ownForm;
  let admin;
  let member;

  before(async () => {
    const names = ["ingest", "consumer", "durable"];
    const unset = { ...example({ AUTHORIZED_PARTIES: "" }), name: "without-parties" };
    system = await startDirect([...names.map((name) => workerOf(name)), example(), unset]);
    origin = (await system.url("rolecall-example")).origin;
    ownForm = { ...DOCUMENT, origin, "sec-fetch-site": "same-origin" };
    ingest = await system.worker("rolecall-ingest");
    [admin, member] = await Promise.all([newUser("admin"), newUser()]);
  });
  after(() => system?.stop());

  async function open(where, headers = {}, init = {}) {
    const all = { ...DOCUMENT, ...headers };
    const request = { redirect: "manual", ...init, headers: all };
    const response = await fetch(`${origin}${where}`, request);
    const text = await response.text();
    const what = `${where} ${response.status} ${text}`;
    assert.equal(response.headers.get("cache-control"), "private, no-store", what);
    return { status: response.status, headers: response.headers, text };
  }

  const visit = (user, where, how) => open(where, signedIn(user, how));

  function lookUp(user, headers = ownForm, sought = user, where = "/admin") {
    const body = new URLSearchParams({ user: sought }).toString();
    const kind = { "content-type": "application/x-www-form-urlencoded" };
    const session = user === null ? {} : signedIn(user);
    return open(where, { ...kind, ...session, ...headers }, { method: "POST", body });
  }

  async function send(event) {
    const { id } = await deliver(ingest, event);
    const sql = "SELECT outcome FROM deliveries WHERE svix_id = ?1";
    await waitFor(`delivery ${id} is settled`, async () => (await system.sql(sql, id))[0]);
  }

  async function newUser(role) {
    const user = clerk.newId("user");
    await send(clerk.user(user, role === undefined ? {} : { public_metadata: { role } }));
    return user;
  }

  function becomes(user, where, status) {
    const ask = async () => (await visit(user, where)).status === status;
    return waitFor(`${where} answers ${user} with ${status}`, ask);
  }

  function isSentToSignIn({ status, headers }, where) {
    const query = new URLSearchParams({ redirect_url: where });
    assert.deepEqual([status, headers.get("location")], [302, `/sign-in?${query}`]);
  }

  function isShown({ status, text }, wanted, title) {
    assert.equal(status, wanted);
    assert.match(text, new RegExp(`<h1>${title}</h1>`));
  }

  const isForbidden = (answer) => isShown(answer, 403, "No access");

  it("redirects signed-out users to sign-in, and back to the page", async () => {
    isShown(await open("/"), 200, "Rolecall with React Router");
    for (const where of ["/dashboard", "/admin", "/organizations/org_1?a=b%26c"]) {
      const answer = await open(where);
      isSentToSignIn(answer, where);
      const { text } = await open(answer.headers.get("location"));
      const link = new URLSearchParams({ redirect_url: `${origin}${where}` }).toString();
      assert.ok(text.includes(`href="${SIGN_IN}?${link}"`), text);
    }
  });

  it("redirects only to its own pages", async () => {
    const foreign = [
      "https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example",
      "/.//evil.example", "/a/..//evil.example", "javascript:alert(1)", "admin", "",
      `/${"a".repeat(2_048)}`,
    ];
    for (const asked of foreign) {
      const where = `/sign-in?${new URLSearchParams({ redirect_url: asked })}`;
      const link = new URLSearchParams({ redirect_url: `${origin}/dashboard` }).toString();
      assert.ok((await open(where)).text.includes(`href="${SIGN_IN}?${link}"`), asked);
      assert.equal((await visit(member, where)).headers.get("location"), "/dashboard", asked);
    }
    const { headers } = await visit(member, "/sign-in?redirect_url=/admin?x=1");
    assert.equal(headers.get("location"), "/admin?x=1");
  });

  it("shows the dashboard to a member, but not the administration", async () => {
    const answer = await visit(member, "/dashboard");
    isShown(answer, 200, "Dashboard");
    assert.match(answer.text, /<code>member<\/code>/);
    assert.ok(answer.text.includes(member), "the header must have the user id");
    isForbidden(await visit(member, "/admin"));
  });

  it("shows the administration while the user has the role", async () => {
    const user = await newUser();
    isForbidden(await visit(user, "/admin"));
    await send(clerk.withRole(user, "admin"));
    await becomes(user, "/admin", 200);
    isShown(await visit(user, "/admin"), 200, "Administration");
    await send(clerk.withRole(user, "editor"));
    await becomes(user, "/admin", 403);
  });

  it("shows reports to members with the permission", async () => {
    const user = await newUser();
    const [org, permission] = [clerk.newId("org"), clerk.newId("perm")];
    const carried = [{ id: permission, key: "org:reports:read" }];
    const role = `org:${clerk.newId("role")}`;
    await send(clerk.permission(permission, { key: "org:reports:read" }));
    await send(clerk.role(clerk.newId("role"), { key: role, permissions: carried }));
    isForbidden(await visit(user, `/organizations/${org}`));
    await send(clerk.membership(clerk.newId("orgmem"), { org, user, role }));
    await becomes(user, `/organizations/${org}`, 200);
    isForbidden(await visit(user, `/organizations/${clerk.newId("org")}`));
    assert.ok((await visit(user, "/dashboard")).text.includes(`href="/organizations/${org}"`));
  });

  it("shows its own page for 503 while roles are unavailable", async () => {
    const user = await newUser("admin");
    await system.sql("ALTER TABLE users RENAME TO test_users");
    try {
      for (const where of ["/admin", "/dashboard", "/organizations/org_1"]) {
        const answer = await visit(user, where);
        isShown(answer, 503, "Please try again in a moment");
        assert.match(answer.headers.get("retry-after"), /^[1-9]\d*$/);
      }
      assert.equal((await lookUp(user)).status, 503);
      isShown(await visit(user, "/"), 200, "Rolecall with React Router");
    } finally {
      await system.sql("ALTER TABLE test_users RENAME TO users");
    }
    await becomes(user, "/admin", 200);
  });

  it("allows the action only with the role", async () => {
    const answer = await lookUp(admin, ownForm, member);
    isShown(answer, 200, "Administration");
    assert.match(answer.text, new RegExp(`<code>${member}</code> is (<!-- -->)?live`));
    isForbidden(await lookUp(member, ownForm, admin));
    isShown(await lookUp(null, ownForm, admin), 401, "You are not signed in");
    // The loader's guard would hide the effect of an unguarded action; here it does not run.
    const script = { ...ownForm, accept: "*/*", "sec-fetch-dest": "empty" };
    const refused = await lookUp(member, script, admin, "/admin.data");
    assert.equal(refused.status, 403);
    assert.doesNotMatch(refused.text, /userStatus/);
    const allowed = await lookUp(admin, script, member, "/admin.data");
    assert.equal(allowed.status, 200);
    assert.match(allowed.text, /"userStatus","live"/);
    assert.match((await lookUp(admin, ownForm, "x y")).text, /has no access/);
    assert.match((await lookUp(admin, ownForm, "<b>")).text, /&lt;b&gt;/);
  });

  it("rejects forms from other sites", async () => {
    const sources = [
      { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
      { origin: "https://evil.example" },
      { origin: `${origin}.evil.example` },
      { origin: origin.replace("http:", "https:") },
      { origin: PARTY },
      { origin: "null" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { origin, "sec-fetch-site": "cross-site" },
      {},
    ];
    for (const source of sources) {
      const { status, text } = await lookUp(admin, source);
      assert.deepEqual([status, text], [403, "forbidden"], JSON.stringify(source));
    }
    for (const source of [{ origin }, { "sec-fetch-site": "same-origin" }]) {
      assert.equal((await lookUp(admin, source)).status, 200, JSON.stringify(source));
    }
  });

  it("rejects sessions that Clerk's SDK rejects", async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const how of [
      { signer: makeKey() },
      { claims: { azp: "https://evil.example" } },
      { claims: { sts: "pending" } },
      { header: { alg: "none" } },
      { header: { cat: "cl_B7d4PD222AAA" } },
    ]) {
      isSentToSignIn(await visit(admin, "/admin", how), "/admin");
    }
    for (const junk of ["x", "a.b.c", ".", "%", "e30.e30.e30", ".".repeat(1_000)]) {
      const cookie = `__session=${junk}; __client_uat=${now}`;
      isSentToSignIn(await open("/admin", { cookie }), "/admin");
    }
  });

  it("renews an expired session by a redirect to Clerk", async () => {
    const past = Math.floor(Date.now() / 1000) - 120;
    const expired = signedIn(admin, { claims: { iat: past, nbf: past, exp: past + 60 } });
    const hosts = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" };
    const page = await open("/admin?x=1", { ...expired, ...hosts });
    assert.equal(page.status, 307);
    const to = new URL(page.headers.get("location"));
    assert.equal(to.origin + to.pathname, "https://clerk.example.com/v1/client/handshake");
    const back = new URL(to.searchParams.get("redirect_url"));
    const asked = back.searchParams.get("rolecall_asked");
    assert.equal(back.href, `${origin}/admin?x=1&rolecall_asked=${asked}`);
    assert.match(cookiesOf(page).get("rolecall_asked"), new RegExp(`^${asked}; .*HttpOnly`));
  });

  const now = () => Math.floor(Date.now() / 1000);
  const since = (at) => `__client_uat=${at}`;
  const withToken = (claims, at) => `__session=${mint(admin, { claims })}; ${since(at)}`;
  const mended = {
    "the token has expired": () => {
      return withToken({ iat: now() - 120, nbf: now() - 120, exp: now() - 60 }, now() - 3_600);
    },
    "uat is newer than the token": () => withToken({}, now() + 3),
    "uat is alone": () => since(now() - 100),
    "nbf is ahead": () => withToken({ iat: now() + 20, nbf: now() + 20 }, now() - 100),
    "iat is ahead": () => withToken({ iat: now() + 20 }, now() - 100),
    "the token is alone": () => `__session=${mint(admin)}`,
  };
  for (const [what, cookie] of Object.entries(mended)) {
    it(`reloads a script's page if ${what}, and the page is redirected to Clerk`, async () => {
      const sent = { cookie: cookie() };
      const data = await open("/dashboard.data?x=1", { ...sent, ...SCRIPT });
      assert.equal(data.status, 202);
      const { redirect, reload } = redirectIn(data.text);
      assert.deepEqual([redirect, reload], ["/dashboard?x=1", true]);
      assert.equal((await open("/dashboard?x=1", sent)).status, 307);
    });
  }

  it("does not reload endlessly if a clock is wrong", async () => {
    let cookie = withToken({ iat: now() + 500, nbf: now() + 500 }, now() - 100);
    const answers = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const { headers, text } = await open("/dashboard.data", { cookie, ...SCRIPT });
      const { redirect, reload } = redirectIn(text);
      answers.push([redirect, reload]);
      for (const line of headers.getSetCookie()) cookie = `${line.split(";")[0]}; ${cookie}`;
      cookie = cookie.replace(/(rolecall_renewals=\d; )rolecall_renewals=\d; /, "$1");
    }
    const [page, signIn] = ["/dashboard", "/sign-in?redirect_url=%2Fdashboard"];
    assert.deepEqual(answers, [[page, true], [page, true], [signIn, false]]);
  });

  it("ignores a handshake result in a link, and keeps the session", async () => {
    const cookies = [`__session=${mint(member)}; Path=/`, `${since(now() - 100)}; Path=/`];
    const answer = compact(HEADER, { handshake: cookies });
    for (const query of [`?__clerk_handshake=${answer}`, `?x=1&__clerk_handshake=${answer}`]) {
      for (const sent of [{}, signedIn(admin), { cookie: since(now() - 100) }]) {
        const { status, headers } = await open(`/dashboard${query}`, sent);
        assert.equal(status, 307);
        const names = [...cookiesOf({ headers }).keys()];
        assert.deepEqual(names.filter((name) => /^__(session|client_uat)/.test(name)), []);
        assert.doesNotMatch(headers.get("location"), /__clerk_handshake=/);
      }
    }
    const sibling = { cookie: `__clerk_handshake=${answer}` };
    isSentToSignIn(await open("/dashboard", sibling), "/dashboard");
  });

  it("redirects only to this site, whatever the URL", async () => {
    for (const where of ["//evil.example/", "/.//evil.example/", "/%5Cevil.example/"]) {
      for (const sent of [{}, signedIn(admin), { cookie: since(now() - 100) }]) {
        const { headers } = await open(`${where}?__clerk_handshake=x`, sent);
        const to = new URL(headers.get("location"), origin);
        const isClerk = to.origin === ISSUER;
        const back = isClerk ? new URL(to.searchParams.get("redirect_url")) : to;
        assert.equal(back.origin, origin, `${where}: ${headers.get("location")}`);
        const data = await open(`${where}?__clerk_handshake=x`, { ...sent, ...SCRIPT });
        assert.equal(new URL(data.headers.get("location") ?? "/", origin).origin, origin);
      }
    }
  });

  it("guards a page's data like the page", async () => {
    const scripts = { accept: "*/*", "sec-fetch-dest": "empty" };
    const refused = await open("/admin.data", { ...scripts, ...signedIn(member) });
    assert.equal(refused.status, 403);
    assert.doesNotMatch(refused.text, /Administration/);
    assert.equal((await open("/dashboard.data", { ...scripts, ...signedIn(member) })).status, 200);
    assert.match((await open("/dashboard.data", scripts)).text, /\/sign-in\?redirect_url=/);
  });

  it("shows an impersonation, and denies the administration", async () => {
    const how = { claims: { act: { sub: "user_2TheColleague", iss: "https://x.example" } } };
    const dashboard = await visit(admin, "/dashboard", how);
    isShown(dashboard, 200, "Dashboard");
    assert.match(dashboard.text, /<strong>Impersonated:<\/strong>/);
    assert.doesNotMatch((await visit(admin, "/dashboard")).text, /Impersonated/);
    isForbidden(await visit(admin, "/admin", how));
  });

  it("allows only its own scripts, and loads nothing from other sites", async () => {
    const { headers, text } = await open("/");
    const policy = headers.get("content-security-policy");
    const [, nonce] = /script-src 'nonce-([\w-]{36})' 'strict-dynamic'/.exec(policy);
    assert.match(policy, /^default-src 'none';/);
    // With a stricter policy browsers hide a form's origin, and signing out at Clerk would fail.
    assert.equal(headers.get("referrer-policy"), "strict-origin-when-cross-origin");
    const scripts = text.match(/<script\b[^>]*>/g);
    assert.ok(0 < scripts.length);
    for (const script of scripts) assert.ok(script.includes(`nonce="${nonce}"`), script);
    assert.notEqual((await open("/")).headers.get("content-security-policy"), policy);
    const sources = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, source]) => source);
    for (const source of sources) assert.match(source, /^[/#](?!\/)/, source);
    const [style] = sources.filter((source) => source.endsWith(".css"));
    const sheet = await fetch(`${origin}${style}`);
    assert.deepEqual([sheet.status, sheet.headers.get("content-type")],
      [200, "text/css; charset=utf-8"]);
  });

  it("signs nobody in if no party is authorized", async () => {
    const { origin: unset } = await system.url("without-parties");
    const headers = { ...DOCUMENT, ...signedIn(admin) };
    const response = await fetch(`${unset}/dashboard`, { redirect: "manual", headers });
    await response.text();
    assert.equal(response.status, 302);
    assert.match(response.headers.get("location"), /^\/sign-in/);
  });

  it("shows its own page for unknown URLs", async () => {
    isShown(await open("/nowhere"), 404, "Page not found");
    assert.equal((await open("/admin", {}, { method: "HEAD" })).status, 302);
  });
});

describe("the React Router example with the local Clerk", () => {
  const ADA = "user_3ADAlovelace1815analytic001";
  /** The URL of the example in the browser. */
  const APP = "http://127.0.0.1:8791";
  let local;
  let system;

  before(async () => {
    local = await startLocalClerk(APP);
    const { keys } = await (await fetch(`${local.url}/.well-known/jwks.json`)).json();
    const bindings = {
      CLERK_PUBLISHABLE_KEY: publishableKey(local.url),
      CLERK_JWT_KEY: pem({ publicKey: createPublicKey({ key: keys[0], format: "jwk" }) }),
      CLERK_PROXY_URL: local.url,
      AUTHORIZED_PARTIES: APP,
      SIGN_IN_URL: `${local.url}/sign-in`,
      SIGN_OUT_URL: `${local.url}/sign-out`,
    };
    system = await startDirect([workerOf("durable"), example(bindings)]);
  });
  after(async () => {
    await system?.stop();
    local?.stop();
  });

  /** Opens a URL in a browser with these cookies, without following redirects. */
  async function open(jar, address) {
    const headers = { ...DOCUMENT, cookie: jar.header };
    const { origin, host, pathname, search } = new URL(address, APP);
    if (origin === local.url) {
      const answer = await fetch(address, { headers, redirect: "manual" });
      jar.take(answer.headers);
      return { status: answer.status, to: answer.headers.get("location") };
    }
    assert.equal(origin, APP, "a redirect must stay on this site");
    const url = await system.url("rolecall-example");
    const answer = await wire(url, `${pathname}${search}`, { headers: { ...headers, host } });
    jar.take(answer.headers);
    return { status: answer.status, to: answer.headers.get("location"), text: answer.text };
  }

  /** Posts a form of the example's page to the local Clerk. */
  async function post(jar, where, fields) {
    const headers = { origin: APP, cookie: jar.header };
    const body = new URLSearchParams(fields);
    const init = { method: "POST", headers, body, redirect: "manual" };
    const answer = await fetch(`${local.url}${where}`, init);
    jar.take(answer.headers);
    return answer.headers.get("location");
  }

  it("signs in, keeps an expired session, and signs out", async () => {
    const jar = new Jar();
    const { text: page } = await open(jar, (await open(jar, "/dashboard?x=1")).to);
    const back = `${APP}/dashboard?x=1`;
    const link = `${local.url}/sign-in?${new URLSearchParams({ redirect_url: back })}`;
    assert.ok(page.includes(`href="${link}"`), page);
    assert.equal(await post(jar, "/sign-in", { user_id: ADA, redirect_url: back }), back);
    const { status, text } = await open(jar, back);
    assert.equal(status, 200);
    assert.match(text, new RegExp(`Signed in as <code>${ADA}</code>`));
    assert.ok(text.includes(`action="${local.url}/sign-out"`), text);

    const token = jar.get("__session");
    jar.setSessions("");
    const away = await open(jar, back);
    assert.equal(away.status, 307);
    const { to } = await open(jar, away.to);
    assert.match(to, /[?&]__clerk_handshake=/);
    const stranger = new Jar();
    assert.deepEqual(await open(stranger, to), { status: 307, to: "/dashboard?x=1", text: "" });
    assert.equal(stranger.get("__session"), undefined, "a link signs nobody in");
    assert.deepEqual(await open(jar, to), { status: 307, to: "/dashboard?x=1", text: "" });
    assert.notEqual(jar.get("__session"), token);
    assert.equal((await open(jar, back)).status, 200);

    const renewed = jar.get("__session");
    const forged = await open(jar, `${to.slice(0, -8)}AAAAAAAA`);
    assert.deepEqual([forged.status, forged.to], [307, "/dashboard?x=1"]);
    assert.equal(jar.get("__session"), renewed, "a forged result sets no cookie");

    assert.equal(await post(jar, "/sign-out", { redirect_url: `${APP}/` }), `${APP}/`);
    assert.equal((await open(jar, back)).status, 302);
  });
});
