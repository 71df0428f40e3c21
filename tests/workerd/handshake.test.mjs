// The handshake: a browser with an expired token is redirected to Clerk and comes back with a new
// one, without signing in again.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { checkResponse, comparable, returnPath } from "./support/answers.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { Jar, startLocalClerk } from "./support/local-clerk.mjs";
import { apiRoutes, guardedPages, guardedRoutes } from "./support/routes.mjs";
import {
  HEADER, ISSUER, KID, PARTY, PEM_VARS, bearer, compact, makeKey, mint, serveJwks,
} from "./support/sessions.mjs";
import { JWKS_VARS, fail } from "./support/settings-cases.mjs";
import { fixture } from "./support/token-cases.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

const DOCUMENT = { "sec-fetch-dest": "document", accept: "text/html,application/xhtml+xml;q=0.9" };

/** The URL of the app in its browser. */
const APP = "http://127.0.0.1:8787";

/** The state that ties a handshake result to its browser, in the URL and in the cookie. */
const ASKED = "0f5b2c1e-9d3a-4c57-8f10-6a2b7c9d4e11";
const SENT = `__Host-rolecall_asked=${ASKED}`;

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

  /** Opens a URL in a browser with these cookies, without following redirects. */
  async function open(jar, address, headers = DOCUMENT) {
    const all = { ...headers, cookie: jar.header };
    const { origin, host, pathname, search } = new URL(address, APP);
    if (origin === clerk.url) {
      const answer = await fetch(address, { headers: all, redirect: "manual" });
      jar.take(answer.headers);
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    }
    assert.equal(origin, APP, "a redirect must stay on this site");
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

  /** Puts tokens into the jar that expired a minute ago. */
  async function expireTokens(jar) {
    const body = JSON.stringify({ user_id: ADA, ttl_s: -60 });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${clerk.url}/local/tokens`, { method: "POST", headers, body });
    jar.setSessions((await answer.json()).token);
  }

  it("an expired token is renewed on the way to the page", async () => {
    const jar = await signedIn();
    assert.equal((await open(jar, "/dashboard")).status, 200);
    await expireTokens(jar);

    const away = await open(jar, "/dashboard?tab=2");
    assert.equal(away.status, 307);
    const there = await open(jar, away.headers.get("location"));
    assert.equal(there.status, 307);
    const answered = there.headers.get("location");
    assert.equal(new URL(answered).searchParams.get("rolecall_asked"), jar.get("rolecall_asked"));
    const back = await open(jar, answered);
    assert.equal(back.status, 307);
    assert.equal(back.headers.get("location"), "/dashboard?tab=2");
    assert.equal(jar.get("rolecall_asked"), undefined);
    const page = await open(jar, back.headers.get("location"));
    assert.equal(page.status, 200);
    assert.ok(page.text.includes(ADA));
  });

  it("a handshake result of another browser signs nobody in", async () => {
    // An attacker stops before the last step of their own handshake and makes a link of it.
    const theirs = await signedIn();
    await expireTokens(theirs);
    const away = await open(theirs, "/dashboard");
    const there = await open(theirs, away.headers.get("location"));
    const link = there.headers.get("location");

    for (const jar of [new Jar(), new Jar(), new Jar()].map(anyState)) {
      const [before, expired] = [jar.get("__session"), jar.get("__client_uat")];
      const answer = await open(jar, link);
      assert.deepEqual([jar.get("__session"), jar.get("__client_uat")], [before, expired]);
      assert.notEqual(answer.status, 200);
      assert.ok(!answer.text.includes(ADA));
    }
    // The result is valid: the browser that was redirected gets its page.
    const back = await open(theirs, link);
    assert.equal((await open(theirs, back.headers.get("location"))).status, 200);
  });

  /** Browsers without a session: new, with `__client_uat`, and redirected themselves. */
  function anyState(jar, at) {
    if (0 < at) jar.set("__client_uat", String(Math.floor(Date.now() / 1000)));
    if (1 < at) jar.set("rolecall_asked", ASKED);
    return jar;
  }

  it("a browser that signed out at Clerk is redirected to sign-in", async () => {
    const jar = await signedIn();
    await expireTokens(jar);
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
    assert.equal(returnPath(page.headers.get("location")), "/dashboard");
  });
});

describe("a handshake", () => {
  const [SUFFIXED] = JSON.parse(fixture("publishable-keys.json")).valid;
  const USER = "user_2Handshaken";
  const PAGES = guardedPages("org_1");
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

  /** Returns a redirect of the handshake, and checks the rules for all of them. */
  function leaves(answer, what) {
    const { headers, status, text } = answer;
    assert.deepEqual([status, text], [307, ""], what);
    assert.equal(headers.get("cache-control"), "private, no-store", what);
    assert.equal(headers.get("vary"), "Cookie, Authorization", what);
    return { to: headers.get("location"), cookies: headers.getSetCookie() };
  }

  /** Checks a redirect to Clerk, and returns its reason and its parameters. */
  function asks(answer, what) {
    const { to, cookies } = leaves(answer, what);
    const url = new URL(to);
    assert.equal(url.origin + url.pathname, `${ISSUER}/v1/client/handshake`, what);
    assert.equal(cookies.length, 2, what);
    const [, sent] =
      /^__Host-rolecall_asked=([\da-f-]{36}); Path=\/; SameSite=Lax; HttpOnly; Max-Age=60; Secure$/
        .exec(cookies[0]);
    const [, count] =
      /^__clerk_redirect_count=(\d); Path=\/; SameSite=Lax; HttpOnly; Max-Age=2/.exec(cookies[1]);
    const asked = Object.fromEntries(url.searchParams);
    const [, redirect_url, back] = /^(.*)[?&]rolecall_asked=(.*)$/.exec(asked.redirect_url);
    assert.equal(back, sent, what);
    return { ...asked, redirect_url, count: Number(count), sent };
  }

  const seconds = () => Math.floor(Date.now() / 1000);
  const expired = (more = {}) => {
    const iat = seconds() - 120;
    return mint(USER, { claims: { iat, nbf: iat, exp: iat + 60, ...more } });
  };
  const cookie = (token, more = "") =>
    ({ ...DOCUMENT, cookie: `__session=${token}; ${SENT}${more}` });
  /** A browser without a token that was redirected to Clerk. */
  const NOBODY = { ...DOCUMENT, cookie: SENT };

  /** A handshake result: cookies, signed with a session's category. */
  const signed = (handshake, { header, signer, ...claims } = {}) =>
    compact({ ...HEADER, ...header }, { handshake, ...claims }, { signer });
  const renewed = (token = mint(USER)) =>
    [`__session=${token}; Path=/; SameSite=Lax`, `__client_uat=${seconds()}; Path=/`];
  const back = (path, answer, asked = ASKED) =>
    `${path}${path.includes("?") ? "&" : "?"}rolecall_asked=${asked}&__clerk_handshake=${answer}`;
  /** The cookie line that deletes the handshake state. */
  const ENDED = "__Host-rolecall_asked=; Path=/; SameSite=Lax; HttpOnly; Max-Age=0; Secure";

  it("starts for a page load with an expired token", async () => {
    const token = expired();
    const seen = new Set();
    for (const path of [...PAGES, "/dashboard?tab=2&x=%20y"]) {
      for (const headers of [DOCUMENT, { accept: "text/html" }]) {
        const all = { ...headers, cookie: `__session=${token}` };
        const { redirect_url, count, sent, ...asked } = asks(await get("app", path, all), path);
        assert.ok(!seen.has(sent), "the state must be unique");
        seen.add(sent);
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

  it("starts for Clerk's other reasons too", async () => {
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
      // An API client with the same cookies is signed out.
      const { cookie } = headers;
      assert.equal((await get("app", "/api/me", { cookie })).status, 401, reason);
    }
    // The token is valid and `__client_uat` agrees.
    const agreed = cookie(fresh, `; __client_uat=${now}`);
    assert.equal((await get("app", "/dashboard", agreed)).status, 200);
  });

  it("S-9 starts only for a browser that loads a page", async () => {
    const token = expired();
    const carried = { cookie: `__session=${token}` };
    const script = { "sec-fetch-dest": "empty", accept: "*/*" };
    const programs = [{}, { accept: "application/json" }, script];
    const seen = async (path, headers, method) =>
      comparable(checkResponse(await get("app", path, headers, method), `${method} ${path}`));
    for (const path of guardedRoutes("org_1")) {
      for (const headers of programs) {
        const nobody = await seen(path, headers);
        assert.deepEqual(await seen(path, { ...headers, ...carried }), nobody, path);
      }
      for (const method of ["HEAD", "POST", "PUT", "DELETE"]) {
        const nobody = await seen(path, DOCUMENT, method);
        assert.deepEqual(await seen(path, { ...DOCUMENT, ...carried }, method), nobody, method);
        const answered = { ...DOCUMENT, cookie: `${SENT}; __clerk_handshake=${signed(renewed())}` };
        const asked = `${path}${path.includes("?") ? "&" : "?"}rolecall_asked=${ASKED}`;
        const told = comparable(checkResponse(await get("app", asked, answered, method), asked));
        assert.deepEqual([told.status, told.text], [nobody.status, nobody.text], method);
      }
      const nobody = await seen(path, DOCUMENT);
      assert.deepEqual(await seen(path, { ...DOCUMENT, ...bearer(token) }), nobody, path);
    }
    for (const path of apiRoutes()) {
      const nobody = await seen(path, DOCUMENT);
      assert.deepEqual(await seen(path, { ...DOCUMENT, ...carried }), nobody, path);
      const answered = back(path, signed(renewed()));
      assert.equal((await get("app", answered, { ...DOCUMENT, ...carried })).status, 401, path);
    }
  });

  it("S-9 that does not succeed ends after three redirects at the sign-in page", async () => {
    const jar = new Jar();
    jar.set("__session", expired());
    let path = "/dashboard";
    const went = [];
    for (let step = 0; step < 20; step += 1) {
      const answer = await get("app", path, { ...DOCUMENT, cookie: jar.header });
      jar.take(answer.headers);
      if (answer.status === 302) break;
      const { to } = leaves(answer);
      went.push(to.startsWith(ISSUER) ? "away" : "back");
      // A Clerk whose result changes nothing.
      const unchanged = signed(["__client_uat=1; Path=/"]);
      const asked = jar.get("__Host-rolecall_asked");
      path = to.startsWith(ISSUER) ? back("/dashboard", unchanged, asked) : to;
    }
    assert.deepEqual(went, ["away", "back", "away", "back", "away", "back"]);
    for (const count of ["3", "9", "x"]) {
      const headers = cookie(expired(), `; __clerk_redirect_count=${count}`);
      assert.equal(checkResponse(await get("app", "/dashboard", headers)).status, 302, count);
    }
    const twice = cookie(expired(), "; __clerk_redirect_count=2");
    assert.equal(asks(await get("app", "/dashboard", twice)).count, 3);
  });

  it("sets its cookies and redirects to the clean URL, which shows the page", async () => {
    const token = mint(USER);
    const cookies = renewed(token);
    for (const path of [...PAGES, "/dashboard?tab=2&x=%20y"]) {
      const answer = await get("app", back(path, signed(cookies)), cookie(expired()));
      assert.deepEqual(leaves(answer, path), { to: path, cookies: [...cookies, ENDED] }, path);
    }
    const more = "__clerk_db_jwt=x&__clerk_help=y&tab=2";
    const answer = await get("app", back(`/dashboard?${more}`, signed(cookies)), NOBODY);
    assert.deepEqual(leaves(answer), { to: "/dashboard?tab=2", cookies: [...cookies, ENDED] });
    const jar = new Jar();
    jar.take(answer.headers);
    const page = await get("app", "/dashboard?tab=2", { ...DOCUMENT, cookie: jar.header });
    assert.equal(page.status, 200);
    assert.ok(page.text.includes(USER));
    // In a cookie: it is deleted, and repeats are counted.
    const carried = `; __clerk_handshake=${signed(cookies)}`;
    const asked = `/dashboard?rolecall_asked=${ASKED}`;
    const { to, cookies: set } = leaves(await get("app", asked, cookie(expired(), carried)));
    assert.equal(to, "/dashboard");
    const ends = [ENDED, "__clerk_handshake=; Path=/; Max-Age=0"];
    assert.deepEqual(set.slice(0, 4), [...cookies, ...ends]);
    assert.match(set[4], /^__clerk_redirect_count=1; /);
    assert.equal(set.length, 5);
  });

  it("of another browser is rejected, whatever cookies there are", async () => {
    const answer = signed(renewed(mint("user_2Attacker")));
    const links = [
      `/dashboard?__clerk_handshake=${answer}`, back("/dashboard", answer),
      back("/dashboard", answer, ""), back("/dashboard", answer, "1"),
    ];
    const other = "__Host-rolecall_asked=1e5b2c1e-9d3a-4c57-8f10-6a2b7c9d4e11";
    const carried = [
      "", other, "__Host-rolecall_asked=", `rolecall_asked=${ASKED}`, `${SENT}; ${other}`,
    ];
    const logged = () => system.logs().split("handshake was not requested by this browser").length;
    const known = logged();
    for (const link of links) {
      for (const cookies of carried) {
        const headers = { ...DOCUMENT, cookie: cookies };
        const nobody = checkResponse(await get("app", link, headers), link);
        assert.equal(nobody.status, 302, link);
        const own = `__session=${expired()}; ${cookies}`;
        const { cookies: set } = leaves(await get("app", link, { ...DOCUMENT, cookie: own }), link);
        assert.ok(set.every((line) => !/^__(session|client_uat)/.test(line)), `${set}`);
      }
    }
    const count = 2 * links.length * carried.length;
    await waitFor("each is logged", () => known + count <= logged());
    // In a cookie too.
    const byCookie = { ...DOCUMENT, cookie: `${SENT}; __clerk_handshake=${answer}` };
    for (const path of ["/dashboard", "/dashboard?rolecall_asked=x"]) {
      assert.equal(checkResponse(await get("app", path, byCookie), path).status, 302, path);
    }
  });

  it("works for two tabs at once in one browser", async () => {
    const alone = { ...DOCUMENT, cookie: `__session=${expired()}` };
    const first = asks(await get("app", "/dashboard", alone));
    const held = `__session=${expired()}; __Host-rolecall_asked=${first.sent}`;
    const second = asks(await get("app", "/admin", { ...DOCUMENT, cookie: held }));
    assert.equal(second.sent, first.sent);
    // A malformed state is not sent to Clerk.
    for (const odd of ["a b", "x".repeat(65), "<script>", "%0d%0a"]) {
      const cookies = `__session=${expired()}; __Host-rolecall_asked=${odd}`;
      asks(await get("app", "/dashboard", { ...DOCUMENT, cookie: cookies }), odd);
    }
  });

  it("with an invalid result is ignored, and the reason is logged", async () => {
    const stranger = makeKey();
    const old = expired();
    const cookies = renewed();
    const refused = {
      "invalid signature": signed(cookies, { signer: stranger }),
      "not a compact JWS": "garbage",
      "unexpected category (cat)": signed(cookies, { header: { cat: "cl_B7d4PD222AAA" } }),
      "unexpected typ": signed(cookies, { header: { typ: "at+jwt" } }),
      "the algorithm is not RS256": signed(cookies, { header: { alg: "HS256" } }),
      "unsupported critical header (crit or b64)": signed(cookies, { header: { crit: ["x"] } }),
      "unexpected issuer": signed(cookies, { iss: "https://clerk.other.example" }),
      "the token has expired": signed(renewed(old)),
      "azp is not in AUTHORIZED_PARTIES":
        signed(renewed(mint(USER, { claims: { azp: "https://evil.example" } }))),
      "the session is not active": signed(renewed(mint(USER, { claims: { sts: "pending" } }))),
      "malformed handshake token": signed(["evil=1; Path=/"]),
    };
    for (const [reason, answer] of Object.entries(refused)) {
      const logged = () => system.logs().split("handshake rejected").length;
      const known = logged();
      const url = back("/dashboard?tab=2", answer);
      const { redirect_url } = asks(await get("app", url, cookie(old)), reason);
      assert.equal(redirect_url, `${PARTY}/dashboard?tab=2`, "without the result");
      await waitFor(`${reason} is logged`, () => known < logged());
      assert.ok(system.logs().includes(`"detail":"${reason}"`), reason);
      const nobody = await get("app", url, NOBODY);
      assert.equal(checkResponse(nobody, reason).status, 302, reason);
      // A result may have a session: a sign-in to another account must not take place.
      const { searchParams } = new URL(nobody.headers.get("location"), PARTY);
      assert.equal(searchParams.get("redirect_url"), "/dashboard?tab=2", reason);
      const page = await get("app", url, cookie(mint(USER)));
      assert.equal(checkResponse(page, reason).status, 200, reason);
    }
    assert.doesNotMatch(system.logs(), /eyJ|__session=|evil=/);
  });

  it("J-9 accepts only the token categories that Clerk uses", async () => {
    const cookies = renewed();
    const shaken = async (answer) => {
      const { to } = leaves(await get("app", back("/dashboard", answer), cookie(expired())));
      return to === "/dashboard" ? "taken" : "refused";
    };
    for (const cat of [HEADER.cat, "cl_I7d4PD111III", undefined]) {
      assert.equal(await shaken(signed(cookies, { header: { cat } })), "taken", cat);
    }
    for (const cat of ["cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "cl_B7d4PD444AAA", "cl_X", ""]) {
      assert.equal(await shaken(signed(cookies, { header: { cat } })), "refused", cat);
    }
    // A session token of the same category, to which an app has added such a claim.
    const session = mint(USER, { claims: { handshake: cookies } });
    assert.equal(await shaken(session), "refused");
  });

  it("J-24 with a result of any size gets a normal answer", async () => {
    for (const answer of ["a".repeat(20_000), "a.".repeat(1_000), ".".repeat(1_000)]) {
      const page = await get("app", back("/dashboard", answer), NOBODY);
      assert.equal(checkResponse(page).status, 302, answer.slice(0, 9));
    }
  });

  it("sets only Clerk's cookies and headers", async () => {
    const [session, uat] = renewed();
    const hostile = [
      "__session=a\r\nSet-Cookie: evil=1", "evil=1; Path=/", "__session_aaaaaaaa=x",
      "__client_uat=1\r\nLocation: https://evil.example", "session=1", "__session=\u0000",
    ];
    const answer = signed([...hostile, session, ...hostile, uat]);
    const { to, cookies } = leaves(await get("app", back("/dashboard", answer), cookie(expired())));
    assert.deepEqual([to, cookies], ["/dashboard", [session, uat, ENDED]]);
  });

  it("never replaces a valid session", async () => {
    const other = signed(renewed(mint("user_2Other")));
    const mine = mint(USER);
    for (const headers of [cookie(mine), cookie(mine, `; __clerk_handshake=${other}`)]) {
      const page = checkResponse(await get("app", back("/dashboard", other), headers));
      assert.equal(page.status, 200);
      assert.ok(page.text.includes(USER) && !page.text.includes("user_2Other"));
    }
  });

  it("J-17 leads to the configured host, whatever the request says", async () => {
    const evil = { "x-forwarded-host": "evil.example", origin: "https://evil.example" };
    for (const host of ["evil.example", "app.example.com.evil.example", "app.example.com"]) {
      const headers = { ...cookie(expired()), ...evil, host };
      const { redirect_url } = asks(await get("app", "/dashboard?a=//evil.example", headers), host);
      assert.equal(redirect_url, `${PARTY}/dashboard?a=//evil.example`, host);
    }
  });

  it("S-16 is neither started nor finished by a Worker without its setting", async () => {
    const answer = await get("without-a-frontend", "/dashboard", cookie(expired()));
    assert.equal(checkResponse(answer).status, 302);
    await waitFor("it is logged", () => system.logs().includes("CLERK_FRONTEND_API_URL is not set"));
    const answered = back("/dashboard", signed(renewed(), { header: { kid: KID } }));
    jwks.answer = fail;
    for (const headers of [NOBODY, cookie(expired()), cookie(mint(USER))]) {
      assert.equal(checkResponse(await get("keyless", answered, headers)).status, 503);
    }
  });
});
