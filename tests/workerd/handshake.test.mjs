// The handshake: whose token has lapsed is sent to Clerk and comes back with a new one, without
// being asked to sign in.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { asSeen, checked, wayBack } from "./support/answers.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { Jar, startLocalClerk } from "./support/local-clerk.mjs";
import {
  HEADER, ISSUER, KID, PARTY, PEM_VARS, bearer, compact, makeKey, mint, serveJwks,
} from "./support/sessions.mjs";
import { JWKS_VARS, fail } from "./support/settings-cases.mjs";
import { fixture } from "./support/token-cases.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

const DOCUMENT = { "sec-fetch-dest": "document", accept: "text/html,application/xhtml+xml;q=0.9" };

/** Where the application is, as its browser knows it. */
const APP = "http://127.0.0.1:8787";

describe("with the local Clerk", () => {
  const ADA = "user_3ADAlovelace1815analytic001";
  let clerk;
  let system;

  before(async () => {
    clerk = await startLocalClerk(APP);
    const key = `pk_test_${Buffer.from(`${new URL(clerk.url).host}$`).toString("base64")}`;
    const bindings = {
      AUTHORIZED_PARTIES: APP,
      CLERK_FRONTEND_API_URL: clerk.url,
      CLERK_ISSUER: clerk.url,
      CLERK_JWKS_URL: `${clerk.url}/.well-known/jwks.json`,
      CLERK_PUBLISHABLE_KEY: key,
    };
    system = await startDirect([workerOf("durable"), workerOf("ssr", { bindings })]);
  });
  after(async () => {
    await system?.stop();
    clerk?.stop();
  });

  /** Opens an address in a browser with these cookies, and follows nothing. */
  async function open(jar, address, headers = DOCUMENT) {
    const all = { ...headers, cookie: jar.header };
    const { origin, host, pathname, search } = new URL(address, APP);
    if (origin === clerk.url) {
      const answer = await fetch(address, { headers: all, redirect: "manual" });
      jar.take(answer.headers);
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    }
    assert.equal(origin, APP, "nobody is sent elsewhere");
    const url = await system.url("rolecall-ssr");
    const answer = await wire(url, `${pathname}${search}`, { headers: { ...all, host } });
    jar.take(answer.headers);
    return answer;
  }

  async function signedIn() {
    const jar = new Jar();
    const body = new URLSearchParams({ user_id: ADA, redirect_url: "/dashboard" });
    const how = { method: "POST", body, redirect: "manual" };
    const answer = await fetch(`${clerk.url}/sign-in`, how);
    assert.equal(answer.status, 303);
    jar.take(answer.headers);
    return jar;
  }

  /** Puts a token into the jar that lapsed a minute ago. */
  async function lapse(jar) {
    const body = JSON.stringify({ user_id: ADA, ttl_s: -60 });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${clerk.url}/local/tokens`, { method: "POST", headers, body });
    jar.set("__session", (await answer.json()).token);
  }

  it("a lapsed token is renewed on the way to the page", async () => {
    const jar = await signedIn();
    assert.equal((await open(jar, "/dashboard")).status, 200);
    await lapse(jar);

    const away = await open(jar, "/dashboard?tab=2");
    assert.equal(away.status, 307);
    const there = await open(jar, away.headers.get("location"));
    assert.equal(there.status, 307);
    const back = await open(jar, there.headers.get("location"));
    assert.equal(back.status, 307);
    assert.equal(back.headers.get("location"), "/dashboard?tab=2");
    const page = await open(jar, back.headers.get("location"));
    assert.equal(page.status, 200);
    assert.ok(page.text.includes(ADA));
  });

  it("who has signed out at Clerk is asked to sign in", async () => {
    const jar = await signedIn();
    await lapse(jar);
    const out = { method: "POST", redirect: "manual", headers: { cookie: jar.header } };
    await fetch(`${clerk.url}/sign-out`, out);
    jar.set("__client", "");

    const away = await open(jar, "/dashboard");
    const there = await open(jar, away.headers.get("location"));
    const back = await open(jar, there.headers.get("location"));
    assert.equal(back.status, 307);
    assert.deepEqual([jar.get("__session"), jar.get("__client_uat")], [undefined, "0"]);
    const page = await open(jar, back.headers.get("location"));
    assert.equal(page.status, 302);
    assert.equal(wayBack(page.headers.get("location")), "/dashboard");
  });
});

describe("a handshake", () => {
  const [SUFFIXED] = JSON.parse(fixture("publishable-keys.json")).valid;
  const USER = "user_2Handshaken";
  const PAGES = ["/dashboard", "/admin", "/orgs/org_1", "/orgs/org_1/settings"];
  const DATA = ["/api/me", "/api/check?role=member"];
  let jwks;
  let system;

  before(async () => {
    jwks = await serveJwks();
    const ssr = (name, vars) => workerOf("ssr", { name, bindings: { ...PEM_VARS, ...vars } });
    system = await startDirect([
      workerOf("durable"),
      ssr("app"),
      ssr("suffixed", { CLERK_PUBLISHABLE_KEY: SUFFIXED.publishable_key }),
      ssr("without-a-frontend", { CLERK_FRONTEND_API_URL: undefined }),
      ssr("keyless", { ...JWKS_VARS, CLERK_JWKS_URL: jwks.url }),
    ]);
  });
  after(async () => {
    await system?.stop();
    await jwks?.close();
  });

  const get = async (name, path, headers = DOCUMENT, method = "GET") =>
    wire(await system.url(name), path, { method, headers });

  /** A redirect of the handshake, with everything checked that holds for all of them. */
  function leaves(answer, what) {
    const { headers, status, text } = answer;
    assert.deepEqual([status, text], [307, ""], what);
    assert.equal(headers.get("cache-control"), "private, no-store", what);
    assert.equal(headers.get("vary"), "Cookie, Authorization", what);
    return { to: headers.get("location"), cookies: headers.getSetCookie() };
  }

  /** Checks that somebody is sent to Clerk, and says why and with what. */
  function asks(answer, what) {
    const { to, cookies } = leaves(answer, what);
    const url = new URL(to);
    assert.equal(url.origin + url.pathname, `${ISSUER}/v1/client/handshake`, what);
    assert.equal(cookies.length, 1, what);
    const [, count] =
      /^__clerk_redirect_count=(\d); Path=\/; SameSite=Lax; HttpOnly; Max-Age=2/.exec(cookies[0]);
    return { ...Object.fromEntries(url.searchParams), count: Number(count) };
  }

  const seconds = () => Math.floor(Date.now() / 1000);
  const lapsed = (more = {}) => {
    const iat = seconds() - 120;
    return mint(USER, { claims: { iat, nbf: iat, exp: iat + 60, ...more } });
  };
  const cookie = (token, more = "") => ({ ...DOCUMENT, cookie: `__session=${token}${more}` });

  /** Clerk's answer: cookies, signed. */
  const signed = (handshake, { header, signer, ...claims } = {}) =>
    compact({ ...HEADER, cat: undefined, ...header }, { handshake, ...claims }, { signer });
  const renewed = (token = mint(USER)) =>
    [`__session=${token}; Path=/; SameSite=Lax`, `__client_uat=${seconds()}; Path=/`];
  const back = (path, answer) =>
    `${path}${path.includes("?") ? "&" : "?"}__clerk_handshake=${answer}`;

  it("is asked for where a token has lapsed and a browser wants a page", async () => {
    const token = lapsed();
    for (const path of [...PAGES, "/dashboard?tab=2&x=%20y"]) {
      for (const headers of [DOCUMENT, { accept: "text/html" }]) {
        const all = { ...headers, cookie: `__session=${token}` };
        const { redirect_url, count, ...asked } = asks(await get("app", path, all), path);
        assert.equal(redirect_url, `${PARTY}${path}`);
        assert.equal(count, 1);
        assert.deepEqual(asked, {
          __clerk_api_version: "2026-05-12",
          suffixed_cookies: "false",
          __clerk_hs_reason: "session-token-expired",
          __session: token,
        });
      }
    }
    const cookies = `${SUFFIXED.session_cookie}=${token}; ${SUFFIXED.client_uat_cookie}=1`;
    const asked = asks(await get("suffixed", "/dashboard", { ...DOCUMENT, cookie: cookies }));
    assert.deepEqual([asked.suffixed_cookies, asked.__session], ["true", token]);
  });

  it("is asked for by Clerk's other reasons too", async () => {
    const now = seconds();
    const fresh = mint(USER);
    const ahead = (nbf, iat) => mint(USER, { claims: { nbf, iat, exp: now + 120 } });
    const reasons = {
      "session-token-nbf": cookie(ahead(now + 60, now)),
      "session-token-iat-in-the-future": cookie(ahead(now, now + 60)),
      "session-token-iat-before-client-uat": cookie(fresh, `; __client_uat=${now + 60}`),
      "session-token-but-no-client-uat": cookie(fresh, "; __client_uat=0"),
      "client-uat-but-no-session-token": { ...DOCUMENT, cookie: `__client_uat=${now}` },
    };
    for (const [reason, headers] of Object.entries(reasons)) {
      assert.equal(asks(await get("app", "/dashboard", headers)).__clerk_hs_reason, reason);
      // A program that says the same is signed out.
      const { cookie } = headers;
      assert.equal((await get("app", "/api/me", { cookie })).status, 401, reason);
    }
    // The token is good and the browser says so.
    const agreed = cookie(fresh, `; __client_uat=${now}`);
    assert.equal((await get("app", "/dashboard", agreed)).status, 200);
  });

  it("S-9 is for nobody but a browser that opens a page", async () => {
    const token = lapsed();
    const carried = { cookie: `__session=${token}` };
    const script = { "sec-fetch-dest": "empty", accept: "*/*" };
    const programs = [{}, { accept: "application/json" }, script];
    const seen = async (path, headers, method) =>
      asSeen(checked(await get("app", path, headers, method), `${method} ${path}`));
    for (const path of [...PAGES, ...DATA]) {
      for (const headers of programs) {
        const nobody = await seen(path, headers);
        assert.deepEqual(await seen(path, { ...headers, ...carried }), nobody, path);
      }
      for (const method of ["HEAD", "POST", "PUT", "DELETE"]) {
        const nobody = await seen(path, DOCUMENT, method);
        assert.deepEqual(await seen(path, { ...DOCUMENT, ...carried }, method), nobody, method);
        const answered = { ...DOCUMENT, cookie: `__clerk_handshake=${signed(renewed())}` };
        assert.deepEqual(await seen(path, answered, method), nobody, method);
      }
      const nobody = await seen(path, DOCUMENT);
      assert.deepEqual(await seen(path, { ...DOCUMENT, ...bearer(token) }), nobody, path);
    }
    for (const path of DATA) {
      const nobody = await seen(path, DOCUMENT);
      assert.deepEqual(await seen(path, { ...DOCUMENT, ...carried }), nobody, path);
      const answered = back(path, signed(renewed()));
      assert.equal((await get("app", answered, { ...DOCUMENT, ...carried })).status, 401, path);
    }
  });

  it("S-9 that leads nowhere ends after three redirects at the sign-in page", async () => {
    const jar = new Jar();
    jar.set("__session", lapsed());
    let path = "/dashboard";
    const went = [];
    for (let step = 0; step < 20; step += 1) {
      const answer = await get("app", path, { ...DOCUMENT, cookie: jar.header });
      jar.take(answer.headers);
      if (answer.status === 302) break;
      const { to } = leaves(answer);
      went.push(to.startsWith(ISSUER) ? "away" : "back");
      // A Clerk whose answers change nothing.
      path = to.startsWith(ISSUER) ? back("/dashboard", signed(["__client_uat=1; Path=/"])) : to;
    }
    assert.deepEqual(went, ["away", "back", "away", "back", "away", "back"]);
    for (const count of ["3", "9", "x"]) {
      const headers = cookie(lapsed(), `; __clerk_redirect_count=${count}`);
      assert.equal(checked(await get("app", "/dashboard", headers)).status, 302, count);
    }
    const twice = cookie(lapsed(), "; __clerk_redirect_count=2");
    assert.equal(asks(await get("app", "/dashboard", twice)).count, 3);
  });

  it("sets its cookies and leads to the clean address, from which the page opens", async () => {
    const token = mint(USER);
    const cookies = renewed(token);
    for (const path of [...PAGES, "/dashboard?tab=2&x=%20y"]) {
      const answer = await get("app", back(path, signed(cookies)), cookie(lapsed()));
      assert.deepEqual(leaves(answer, path), { to: path, cookies }, path);
    }
    const more = "__clerk_db_jwt=x&__clerk_help=y&tab=2";
    const answer = await get("app", back(`/dashboard?${more}`, signed(cookies)), DOCUMENT);
    assert.deepEqual(leaves(answer), { to: "/dashboard?tab=2", cookies });
    const jar = new Jar();
    jar.take(answer.headers);
    const page = await get("app", "/dashboard?tab=2", { ...DOCUMENT, cookie: jar.header });
    assert.equal(page.status, 200);
    assert.ok(page.text.includes(USER));
    // By the cookie: it is ended, and counted, should it come again.
    const carried = `; __clerk_handshake=${signed(cookies)}`;
    const { to, cookies: set } = leaves(await get("app", "/dashboard", cookie(lapsed(), carried)));
    assert.equal(to, "/dashboard");
    assert.deepEqual(set.slice(0, 3), [...cookies, "__clerk_handshake=; Path=/; Max-Age=0"]);
    assert.match(set[3], /^__clerk_redirect_count=1; /);
    assert.equal(set.length, 4);
  });

  it("that cannot be believed is as good as none, and its reason is for the log", async () => {
    const stranger = makeKey();
    const old = lapsed();
    const cookies = renewed();
    const refused = {
      "the signature is wrong": signed(cookies, { signer: stranger }),
      "not a compact signed token": "garbage",
      "the category is not a session's": signed(cookies, { header: { cat: HEADER.cat } }),
      "the type is not a session token's": signed(cookies, { header: { typ: "at+jwt" } }),
      "the algorithm is not RS256": signed(cookies, { header: { alg: "HS256" } }),
      "the header demands an extension": signed(cookies, { header: { crit: ["x"] } }),
      "the issuer is another": signed(cookies, { iss: "https://clerk.other.example" }),
      "the token has expired": signed(renewed(old)),
      "the authorized party is not ours":
        signed(renewed(mint(USER, { claims: { azp: "https://evil.example" } }))),
      "the session is pending": signed(renewed(mint(USER, { claims: { sts: "pending" } }))),
      "the handshake cannot be read": signed(["evil=1; Path=/"]),
    };
    for (const [reason, answer] of Object.entries(refused)) {
      const logged = () => system.logs().split("a handshake is refused").length;
      const known = logged();
      const url = back("/dashboard?tab=2", answer);
      const { redirect_url } = asks(await get("app", url, cookie(old)), reason);
      assert.equal(redirect_url, `${PARTY}/dashboard?tab=2`, "the next answer stands alone");
      await waitFor(`${reason} is logged`, () => known < logged());
      assert.ok(system.logs().includes(`"rejection":"${reason}"`), reason);
      const nobody = await get("app", url, DOCUMENT);
      assert.equal(checked(nobody, reason).status, 302, reason);
      const page = await get("app", url, cookie(mint(USER)));
      assert.equal(checked(page, reason).status, 200, reason);
    }
    assert.doesNotMatch(system.logs(), /eyJ|__session=|evil=/);
  });

  it("J-24 of any length gets an answer like the others", async () => {
    for (const answer of ["a".repeat(20_000), "a.".repeat(1_000), ".".repeat(1_000)]) {
      const page = await get("app", back("/dashboard", answer), DOCUMENT);
      assert.equal(checked(page).status, 302, answer.slice(0, 9));
    }
  });

  it("sets no header and no cookie of anybody else's", async () => {
    const [session, uat] = renewed();
    const hostile = [
      "__session=a\r\nSet-Cookie: evil=1", "evil=1; Path=/", "__session_aaaaaaaa=x",
      "__client_uat=1\r\nLocation: https://evil.example", "session=1", "__session=\u0000",
    ];
    const answer = signed([...hostile, session, ...hostile, uat]);
    const { to, cookies } = leaves(await get("app", back("/dashboard", answer), cookie(lapsed())));
    assert.deepEqual([to, cookies], ["/dashboard", [session, uat]]);
  });

  it("never replaces a session that is good", async () => {
    const other = signed(renewed(mint("user_2Other")));
    const mine = mint(USER);
    for (const headers of [cookie(mine), cookie(mine, `; __clerk_handshake=${other}`)]) {
      const page = checked(await get("app", back("/dashboard", other), headers));
      assert.equal(page.status, 200);
      assert.ok(page.text.includes(USER) && !page.text.includes("user_2Other"));
    }
  });

  it("J-17 leads to the configured host, whatever the request says", async () => {
    const evil = { "x-forwarded-host": "evil.example", origin: "https://evil.example" };
    for (const host of ["evil.example", "app.example.com.evil.example", "app.example.com"]) {
      const headers = { ...cookie(lapsed()), ...evil, host };
      const { redirect_url } = asks(await get("app", "/dashboard?a=//evil.example", headers), host);
      assert.equal(redirect_url, `${PARTY}/dashboard?a=//evil.example`, host);
    }
  });

  it("S-16 is neither asked for nor taken by a Worker that cannot", async () => {
    const answer = await get("without-a-frontend", "/dashboard", cookie(lapsed()));
    assert.equal(checked(answer).status, 302);
    await waitFor("it is logged", () => system.logs().includes("nobody can be sent to Clerk"));
    const answered = back("/dashboard", signed(renewed(), { header: { kid: KID } }));
    jwks.answer = fail;
    for (const headers of [DOCUMENT, cookie(lapsed()), cookie(mint(USER))]) {
      assert.equal(checked(await get("keyless", answered, headers)).status, 503);
    }
  });
});
