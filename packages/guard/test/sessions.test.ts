// Sessions with Clerk's own SDK: trusted handshake results, redirects, and response headers. The
// SDK is real; only Clerk's Backend API is a fake.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

// Loaded first: the SDK keeps the `fetch` that it finds when it is loaded.
import "./backend.ts";

import { createClerkSessions, toLocalPath } from "../src/session/index.ts";
import { toHandshake } from "../src/session/verifier.ts";
import { backend } from "./backend.ts";
import {
  ADA,
  APP,
  Browser,
  DEVELOPMENT,
  MALLORY,
  OPTIONS,
  PAGE,
  SCRIPT,
  cookieOf,
  expired,
  handshakeResult,
  now,
  otherKey,
  session,
  signedOutResult,
  suffixOf,
  token,
  whoIs,
} from "./clerk-support.ts";

const HANDSHAKE = "https://clerk.example.com/v1/client/handshake";

/** Returns the URL to which Clerk is told to redirect the browser. */
function returnUrl(response: Response): URL {
  assert.equal(response.status, 307);
  const to = new URL(response.headers.get("location") ?? "");
  assert.equal(to.origin + to.pathname, HANDSHAKE);
  return new URL(to.searchParams.get("redirect_url") ?? "");
}

/** Returns the path with which a browser comes back from Clerk. */
function withResult(back: URL, given: string, name = "__clerk_handshake"): string {
  return `${back.pathname}${back.search}&${name}=${given}`;
}

async function is(response: Response, userId: string): Promise<void> {
  assert.deepEqual([response.status, await response.text()], [200, userId]);
}

beforeEach(() => {
  backend.asked.length = 0;
  backend.sent.length = 0;
  backend.answer = () => new Response("not there", { status: 404 });
});

describe("a handshake result", () => {
  it("signs in the browser that was redirected for it", async () => {
    const browser = new Browser(session(ADA, expired()));
    const away = await browser.open("/reports?x=1&y=%20b");
    const back = returnUrl(away);
    assert.equal(back.origin, APP);
    const cookie = away.headers.getSetCookie().find((line) => line.includes("asked"));
    const asked = back.searchParams.get("rolecall_asked");
    const attributes = "Path=/; SameSite=Lax; HttpOnly; Max-Age=60; Secure";
    assert.equal(cookie, `__Host-rolecall_asked=${asked}; ${attributes}`);
    const home = await browser.open(withResult(back, handshakeResult(ADA)));
    assert.deepEqual(
      [home.status, home.headers.get("location")],
      [307, "/reports?x=1&y=%20b"],
    );
    assert.ok(!browser.kept.has("__Host-rolecall_asked"));
    await is(await browser.open("/reports?x=1"), ADA);
  });

  it("may come in a cookie, as in production", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = returnUrl(await browser.open("/reports"));
    browser.kept.set("__clerk_handshake", handshakeResult(ADA));
    const home = await browser.open(`${back.pathname}${back.search}`);
    assert.equal(home.headers.get("location"), "/reports");
    assert.ok(!browser.kept.has("__clerk_handshake"));
    await is(await browser.open("/reports"), ADA);
  });

  it("may be a nonce, which is exchanged only if it was requested", async () => {
    const directives = [`__session=${token(ADA)}; Path=/`, `__client_uat=${now() - 9}; Path=/`];
    backend.answer = () => Response.json({ directives });
    const link = await new Browser().open("/?__clerk_handshake_nonce=n0nce");
    assert.equal(link.headers.get("location"), "/");
    assert.deepEqual(backend.asked, []);
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = returnUrl(await browser.open("/reports"));
    await browser.open(withResult(back, "n0nce", "__clerk_handshake_nonce"));
    assert.match(backend.asked.join(), /handshake_payload\?nonce=n0nce/);
    await is(await browser.open("/reports"), ADA);
  });

  const links: [string, string][] = [
    ["alone", "?__clerk_handshake=ANSWER"],
    ["with a state of the attacker", "?rolecall_asked=1-2-3&__clerk_handshake=ANSWER"],
    ["with an empty state", "?rolecall_asked=&__clerk_handshake=ANSWER"],
    ["with its name encoded", "?%5F_clerk_handshake=ANSWER"],
    ["after an empty one", "?__clerk_handshake=&__clerk_handshake=ANSWER"],
  ];
  for (const [how, query] of links) {
    it(`of an attacker in a link, ${how}, signs nobody in`, async () => {
      const browser = new Browser();
      const link = `/reports${query.replace("ANSWER", handshakeResult(MALLORY))}`;
      const response = await browser.open(link);
      assert.deepEqual([response.status, response.headers.get("location")], [307, "/reports"]);
      assert.deepEqual([...browser.kept], []);
      await is(await browser.open("/reports"), "nobody");
    });

    it(`of an attacker in a link, ${how}, does not change a valid session`, async () => {
      const browser = new Browser(session(ADA));
      const before = new Map(browser.kept);
      await browser.open(`/reports${query.replace("ANSWER", handshakeResult(MALLORY))}`);
      assert.deepEqual(browser.kept, before);
      await is(await browser.open("/reports"), ADA);
    });

    it(`of an attacker in a link, ${how}, renews no expired session`, async () => {
      const browser = new Browser(session(ADA, expired()));
      const link = `/reports${query.replace("ANSWER", handshakeResult(MALLORY))}`;
      const response = await browser.open(link);
      const back = returnUrl(response);
      assert.deepEqual([...back.searchParams.keys()], ["rolecall_asked"]);
      assert.doesNotMatch(browser.kept.get("__session") ?? "", new RegExp(token(MALLORY)));
    });
  }

  it("of an attacker in a cookie of a sibling domain signs nobody in", async () => {
    for (const name of ["__clerk_handshake", "__clerk_handshake_nonce"]) {
      await is(await new Browser({ [name]: handshakeResult(MALLORY) }).open("/"), "nobody");
      const cookie = ` ${name} = ${handshakeResult(MALLORY)}`;
      await is(await new Browser().open("/", whoIs, { headers: { cookie } }), "nobody");
      const signedIn = new Browser({ ...session(ADA), [name]: handshakeResult(MALLORY) });
      await is(await signedIn.open("/"), ADA);
    }
  });

  it("in a cookie is ignored if there are two, because a sibling domain can set one", async () => {
    for (const name of ["__clerk_handshake", "__clerk_handshake_nonce"]) {
      const browser = new Browser({ __client_uat: String(now() - 100) });
      const back = returnUrl(await browser.open("/reports"));
      const asked = `__Host-rolecall_asked=${browser.kept.get("__Host-rolecall_asked")}`;
      const planted = `__client_uat=1; ${asked}; ${name}=${handshakeResult(MALLORY)}`;
      const init = (cookie: string) => ({ headers: { cookie } });
      // Clerk's result is in the URL.
      const mine = await browser.open(withResult(back, handshakeResult(ADA)), whoIs, init(planted));
      assert.equal(mine.status, 307);
      assert.deepEqual(backend.asked, []);
      await is(await browser.open("/reports"), ADA);
      // Clerk's result is in a cookie.
      const both = `${planted}; __clerk_handshake=${handshakeResult(ADA)}`;
      const anew = new Browser();
      returnUrl(await anew.open(`${back.pathname}${back.search}`, whoIs, init(both)));
      assert.ok(!anew.kept.has("__session"));
    }
  });

  it("with a wrong signature is rejected", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = returnUrl(await browser.open("/reports"));
    returnUrl(await browser.open(withResult(back, handshakeResult(MALLORY, otherKey))));
    assert.ok(!browser.kept.has("__session"));
  });

  it("never replaces a session that has become valid meanwhile", async () => {
    const browser = new Browser(session(ADA, expired()));
    const back = returnUrl(await browser.open("/reports"));
    for (const [name, value] of Object.entries(session(ADA))) browser.kept.set(name, value);
    const home = await browser.open(withResult(back, handshakeResult(MALLORY)));
    assert.equal(home.headers.get("location"), "/reports");
    await is(await browser.open("/reports"), ADA);
  });

  it("sets only Clerk's cookies", async () => {
    const browser = new Browser(session(ADA, expired()));
    const back = returnUrl(await browser.open("/reports"));
    const more = ["theme=x; Path=/", "__Host-admin=1; Path=/; Secure", "__Secure-admin=1"];
    await browser.open(withResult(back, handshakeResult(ADA, undefined, ...more)));
    assert.deepEqual([...browser.kept.keys()].filter((name) => /theme|admin/.test(name)), []);
    await is(await browser.open("/reports"), ADA);
  });

  it("for a signed-out browser deletes the session cookies", async () => {
    const browser = new Browser(session(ADA, expired()));
    const back = returnUrl(await browser.open("/reports"));
    const home = await browser.open(withResult(back, signedOutResult()));
    assert.equal(home.headers.get("location"), "/reports");
    assert.deepEqual([...browser.kept.keys()].filter((name) => name === "__session"), []);
    await is(await browser.open("/reports"), "nobody");
  });

  it("is rejected from scripts, from forms, and with two states", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = returnUrl(await browser.open("/reports"));
    const path = withResult(back, handshakeResult(ADA));
    await is(await browser.open(path, whoIs, { headers: SCRIPT }), "nobody");
    await is(await browser.open(path, whoIs, { method: "POST" }), "nobody");
    returnUrl(await browser.open(`${path}&rolecall_asked=x`));
    const name = "__Host-rolecall_asked";
    const cookie = `__client_uat=1; ${name}=${browser.kept.get(name)}; ${name}=x`;
    returnUrl(await new Browser().open(path, whoIs, { headers: { cookie } }));
    assert.ok(!browser.kept.has("__session"));
  });

  it("works for two tabs that are redirected at once", async () => {
    const browser = new Browser(session(ADA, expired()));
    const backs = [returnUrl(await browser.open("/a")), returnUrl(await browser.open("/b"))];
    const [first, second] = backs.map((back) => back.searchParams.get("rolecall_asked"));
    assert.equal(first, second);
  });

  it("uses a state cookie without prefix over http", async () => {
    const local = "http://127.0.0.1:8791";
    const browser = new Browser({ __client_uat: String(now() - 100) }, local);
    const back = returnUrl(await browser.open("/reports"));
    assert.equal(back.origin, local);
    assert.ok(browser.kept.has("rolecall_asked"));
  });
});

describe("a browser's redirect", () => {
  const elsewhere = [
    "//evil.example/", "/\\evil.example/", "/\t/evil.example/", "/.//evil.example/",
    "/a/..//evil.example/", "/%2f/evil.example/", "/%5Cevil.example/", "//evil.example",
  ];
  for (const where of elsewhere) {
    it(`never leads to another site for ${JSON.stringify(where)}`, async () => {
      for (const query of ["?__clerk_handshake=x", "?x=1&__clerk_db_jwt=x", "?__clerk_help=1"]) {
        for (const options of [OPTIONS, DEVELOPMENT]) {
          for (const kept of [{}, session(ADA), session(ADA, expired())]) {
            const init = { options: { ...options, reloadDocument }, headers: PAGE };
            for (const headers of [PAGE, SCRIPT]) {
              const browser = new Browser(kept);
              isAtHome(await browser.open(where + query, whoIs, { ...init, headers }));
            }
          }
        }
      }
    });
  }

  const reloadDocument = (path: string) =>
    new Response(null, { status: 302, headers: { location: path } });

  function isAtHome(response: Response): void {
    const location = response.headers.get("location");
    if (location === null) return;
    const to = new URL(location, APP);
    if (location.startsWith("/")) assert.equal(to.origin, APP, location);
    else assert.equal(new URL(returnUrl(response)).origin, APP);
  }

  it("never leads to a satellite domain of a development instance", async () => {
    const browser = new Browser({ __clerk_db_jwt: "dvb_1" });
    const query = new URLSearchParams({ __clerk_redirect_url: "https://evil.example/" });
    const response = await browser.open(`/?${query}`, whoIs, { options: DEVELOPMENT });
    assert.equal(response.headers.get("location"), "/");
  });

  it("has the development browser of the URL, unless the session is valid", async () => {
    const options = DEVELOPMENT;
    const response = await new Browser().open("/a?__clerk_db_jwt=dvb_2", whoIs, { options });
    returnUrl(response);
    const to = new URL(response.headers.get("location") ?? "");
    assert.equal(to.searchParams.get("__clerk_db_jwt"), "dvb_2");
    const browser = new Browser({ ...session(ADA), __clerk_db_jwt: "dvb_1" });
    const link = await browser.open("/a?__clerk_db_jwt=dvb_2", whoIs, { options });
    assert.equal(link.headers.get("location"), "/a");
    await is(await browser.open("/a", whoIs, { options }), ADA);
  });

  it("with a development browser in the URL trusts no handshake result", async () => {
    const options = DEVELOPMENT;
    for (const kept of [{}, session(ADA, expired()), { __clerk_db_jwt: "dvb_1" }]) {
      const browser = new Browser(kept);
      const query = `?__clerk_db_jwt=dvb_2&__clerk_handshake=${handshakeResult(MALLORY)}`;
      const link = await browser.open(`/a${query}`, whoIs, { options });
      assert.deepEqual([...returnUrl(link).searchParams.keys()], ["rolecall_asked"]);
      assert.equal(browser.kept.get("__session"), new Map(Object.entries(kept)).get("__session"));
    }
  });

  it("leads to Clerk's proxy if there is one", async () => {
    const options = { ...OPTIONS, proxyUrl: `${APP}/__clerk` };
    const browser = new Browser(session(ADA, expired()));
    const { headers } = await browser.open("/a", whoIs, { options });
    const { origin, pathname } = new URL(headers.get("location") ?? "");
    assert.deepEqual([origin, pathname], [APP, "/__clerk/v1/client/handshake"]);
  });

  it("leads only to Clerk's handshake, whatever the SDK says", (test) => {
    test.mock.method(console, "warn", () => {});
    for (const odd of ["https://evil.example/?to=/v1/client/handshake", "/v1/client/x", "", null]) {
      assert.deepEqual(toHandshake(odd, ["__session=x"]), { kind: "signed-out", cookies: [] });
    }
    const { kind } = toHandshake(`${HANDSHAKE}?redirect_url=x`, []);
    assert.equal(kind, "handshake");
  });

  it("is not made for a valid session that comes from another site", async () => {
    const headers = { referer: "https://news.example/" };
    await is(await new Browser(session(ADA)).open("/", whoIs, { headers }), ADA);
  });

  it("returns to the requested URL, whatever the headers say", async () => {
    const headers = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" };
    const browser = new Browser(session(ADA, expired()));
    assert.equal(returnUrl(await browser.open("/", whoIs, { headers })).origin, APP);
  });

  it("is not repeated endlessly", async () => {
    const ahead = session(ADA, { iat: now() + 500, nbf: now() + 500, exp: now() + 560 });
    const browser = new Browser(ahead);
    for (let trip = 0; trip < 3; trip += 1) returnUrl(await browser.open("/"));
    await is(await browser.open("/"), "nobody");
  });
});

function renewOf(body: unknown): unknown {
  return Object.entries(body ?? {}).find(([name]) => name === "renew")?.[1];
}

/** Clerk's reasons for a handshake, and cookies that cause each of them. */
const HANDSHAKE_REASONS: Record<string, () => Record<string, string>> = {
  "session-token-expired": () => session(ADA, expired()),
  "session-token-nbf": () => {
    return session(ADA, { iat: now() + 20, nbf: now() + 20, exp: now() + 80 });
  },
  "session-token-iat-in-the-future": () => session(ADA, { iat: now() + 20 }),
  "session-token-iat-before-client-uat": () => {
    return { __session: token(ADA), __client_uat: String(now() + 3) };
  },
  "client-uat-but-no-session-token": () => ({ __client_uat: String(now() - 100) }),
  "session-token-but-no-client-uat": () => ({ __session: token(ADA) }),
};

describe("a script's request", () => {
  const reloadDocument = (path: string) => Response.json({ reload: path });
  const options = { ...OPTIONS, reloadDocument };

  for (const [what, cookies] of Object.entries(HANDSHAKE_REASONS)) {
    it(`reloads its page for ${what}`, async () => {
      const browser = new Browser(cookies());
      const response = await browser.open("/admin?x=1", whoIs, { options, headers: SCRIPT });
      assert.deepEqual(await response.json(), { reload: "/admin?x=1" });
      assert.equal(response.headers.get("cache-control"), "private, no-store");
      const page = await browser.open("/admin?x=1");
      returnUrl(page);
      const to = new URL(page.headers.get("location") ?? "");
      assert.ok(to.searchParams.get("__clerk_hs_reason")?.startsWith(what), to.href);
    });

    it(`without reloadDocument gets renew for ${what}`, async () => {
      for (const method of ["GET", "POST"]) {
        const init = { headers: SCRIPT, method };
        const response = await new Browser(cookies()).open("/api", requires, init);
        assert.equal(response.status, 401, method);
        assert.equal(response.headers.get("www-authenticate"), "Bearer");
        assert.deepEqual(await response.json(), { error: "unauthenticated", renew: true });
      }
    });
  }

  const requires = (found: { requireViewer(): { userId: string } }) => {
    return new Response(found.requireViewer().userId);
  };

  it("does not reload its page endlessly if a clock is wrong", async () => {
    const browser = new Browser(session(ADA, { iat: now() + 500, nbf: now() + 500 }));
    const ask = () => browser.open("/admin", requires, { options, headers: SCRIPT });
    const asked = [await ask(), await ask(), await ask(), await ask()];
    assert.deepEqual(asked.map(({ status }) => status), [200, 200, 302, 302]);
    assert.equal(asked[3]?.headers.get("location"), "/sign-in?redirect_url=%2Fadmin");
    const plain = new Browser(session(ADA, expired()));
    const renewals = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const response = await plain.open("/api", requires, { headers: SCRIPT });
      renewals.push(renewOf(await response.json()));
    }
    assert.deepEqual(renewals, [true, true, false, false]);
  });

  it("may reload its page again after a valid session", async () => {
    const browser = new Browser(session(ADA, expired()));
    await browser.open("/admin", whoIs, { options, headers: SCRIPT });
    assert.equal(browser.kept.get("__Host-rolecall_renewals"), "1");
    for (const [name, value] of Object.entries(session(ADA))) browser.kept.set(name, value);
    await is(await browser.open("/admin"), ADA);
    assert.ok(!browser.kept.has("__Host-rolecall_renewals"));
  });

  it("gets no renew if a page load would not help", async () => {
    for (const cookies of [{}, { __session: token(ADA, {}, otherKey), __client_uat: "1" }]) {
      const response = await new Browser(cookies).open("/api", requires, { headers: SCRIPT });
      assert.deepEqual([response.status, renewOf(await response.json())], [401, false]);
    }
    const headers = { ...SCRIPT, authorization: `Bearer ${token(ADA, expired())}` };
    const response = await new Browser().open("/api", requires, { options, headers });
    assert.equal(response.headers.get("location"), "/sign-in?redirect_url=%2Fapi");
    const program = await new Browser().open("/api", requires, { headers });
    assert.deepEqual([program.status, renewOf(await program.json())], [401, false]);
  });

  it("with a valid token in a header has a session", async () => {
    const headers = { ...SCRIPT, authorization: `Bearer ${token(ADA)}` };
    await is(await new Browser().open("/api", whoIs, { headers }), ADA);
  });
});

describe("requireViewer", () => {
  const requires = (found: { requireViewer(): { userId: string } }) => {
    return new Response(found.requireViewer().userId);
  };

  it("redirects to the sign-in page of this or another site, with the page's URL", async () => {
    const page = await new Browser().open("/a?b=1", requires);
    assert.deepEqual(
      [page.status, page.headers.get("location")],
      [302, "/sign-in?redirect_url=%2Fa%3Fb%3D1"],
    );
    const options = { ...OPTIONS, signInUrl: "https://accounts.example.com/sign-in" };
    const portal = await new Browser().open("/a", requires, { options });
    const back = new URLSearchParams({ redirect_url: `${APP}/a` });
    assert.equal(portal.headers.get("location"), `${options.signInUrl}?${back}`);
  });

  it("gives 503 if a setting is wrong", async (test) => {
    test.mock.method(console, "warn", () => {});
    for (const changes of [{ secretKey: "" }, { publishableKey: "" }, { publishableKey: "pk" }]) {
      const options = { ...OPTIONS, ...changes };
      const response = await new Browser(session(ADA)).open("/a", requires, { options });
      assert.equal(response.status, 503);
      assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    }
  });

  it("gives 503 if the keys are unavailable", async (test) => {
    test.mock.method(console, "warn", () => {});
    backend.answer = () => new Response("no", { status: 403 });
    const options = { ...OPTIONS, jwtKey: undefined };
    const cookies = Object.entries(session(ADA));
    const asked = [];
    // A duplicate cookie causes no further requests for keys.
    for (const more of [[], [["__session", token(ADA)]] as const]) {
      backend.asked.length = 0;
      const headers = { cookie: cookieOf([...cookies, ...more]) };
      const response = await new Browser().open("/a", requires, { options, headers });
      assert.equal(response.status, 503);
      asked.push(backend.asked.length);
    }
    assert.equal(asked[0], asked[1]);
  });

  it("accepts nobody if no party is authorized", async () => {
    for (const authorizedParties of [[], [""], [" "], ["https://evil.example"]]) {
      const options = { ...OPTIONS, authorizedParties };
      const response = await new Browser(session(ADA)).open("/a", requires, { options });
      assert.equal(response.status, 302);
    }
  });

  it("rejects valid sessions of two users", async () => {
    const { __session: own = "", __client_uat: uat = "" } = session(ADA);
    const other = token(MALLORY);
    for (const [cookie, status] of [
      [`__session=${own}; __session=${other}; __client_uat=${uat}`, 401],
      [`__session=${other}; __session=${own}; __client_uat=${uat}`, 401],
      [`__session=${own}; __session_abcdefgh=${other}; __client_uat=${uat}`, 401],
      [`__session=${own}; __session=${token(ADA)}; __client_uat=${uat}`, 200],
      [`__session=${own}; __session=${token(MALLORY, expired())}; __client_uat=${uat}`, 200],
      [`__session=${own}; __session=${token(MALLORY, {}, otherKey)}; __client_uat=${uat}`, 200],
      [`__session=${own}; __session_x=a.b.c; __session_y=; __client_uat=${uat}`, 200],
    ] as const) {
      const response = await new Browser().open("/a", requires, { headers: { cookie } });
      assert.equal(response.status, status, cookie);
    }
    const cookie = `__session=${other}`;
    const headers = { ...SCRIPT, cookie, authorization: `Bearer ${own}` };
    await is(await new Browser().open("/a", requires, { headers }), ADA);
  });

  it("accepts a session beside any number of forged tokens", async () => {
    const { __session: own = "", __client_uat: uat = "" } = session(ADA);
    const many = (tokens: string[], name = (index: number) => `__session_${index}`) => {
      const all = tokens.map((one, index) => [name(index), one] as const);
      const cookie = cookieOf([["__session", own], ...all, ["__client_uat", uat]]);
      return new Browser().open("/a", requires, { headers: { cookie } });
    };
    const users = Array.from({ length: 40 }, (_, index) => `user_${index}`);
    const forged = users.map((user) => token(user, {}, otherKey));
    for (const count of [1, 4, 5, 8, 9, 40]) await is(await many(forged.slice(0, count)), ADA);
    const over = users.map((user) => token(user, expired()));
    await is(await many(over), ADA);
    // Tokens of other instances on the same domain.
    const iss = "https://clerk.other.example";
    const foreign = users.map((user) => token(user, { iss }, otherKey));
    await is(await many(foreign), ADA);
    assert.equal((await many([...foreign, token(MALLORY)])).status, 401);
    // A valid token of another user is found after seven forged ones, and in each cookie that the
    // SDK reads.
    const other = token(MALLORY);
    assert.equal((await many([...forged.slice(0, 7), other])).status, 401);
    const names = ["__session", `__session_${await suffixOf(OPTIONS)}`];
    for (const name of names) {
      const last = (index: number) => (index < 40 ? `__session_${index}` : name);
      assert.equal((await many([...forged, other], last)).status, 401, name);
    }
    await is(await many([...forged, other]), ADA);
  });

  it("rejects malformed tokens", async (test) => {
    test.mock.method(console, "warn", () => {});
    for (const junk of ["x", "a.b.c", "..", "%", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA"]) {
      const cookies = { __session: junk, __client_uat: String(now()) };
      assert.equal((await new Browser(cookies).open("/a", requires)).status, 302, junk);
    }
  });

  it("returns whether the user is impersonated", async () => {
    const says = new Browser(session(ADA, { act: { sub: "user_2TheColleague" } }));
    const response = await says.open("/", ({ viewer }) => Response.json(viewer?.impersonated));
    assert.equal(await response.json(), true);
  });
});

describe("every response", () => {
  const kinds: [string, () => Response | never][] = [
    ["a page", () => new Response("page", { headers: { "cache-control": "public, max-age=60" } })],
    ["a redirect", () => Response.redirect(`${APP}/b`, 302)],
    ["a denial", () => {
      throw new Response("forbidden", { status: 403, headers: { vary: "Origin, cookie" } });
    }],
  ];
  for (const [what, handler] of kinds) {
    it(`sets Clerk's cookies and forbids caching: ${what}`, async () => {
      // The SDK refreshes a session with a cookie; the new cookies are set on every response.
      const cookies = [`__session=${token(ADA)}; Path=/`, `__client_uat=${now() - 9}; Path=/`];
      backend.answer = () => Response.json({ object: "cookies", cookies });
      const suffix = await suffixOf(OPTIONS);
      const browser = new Browser({ ...session(ADA, expired()), [`__refresh_${suffix}`]: "r" });
      const forged = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" };
      const response = await browser.open("/", handler, { headers: forged });
      assert.equal(JSON.parse(backend.sent[0] ?? "").request_origin, APP);
      const set = response.headers.getSetCookie().map((line) => line.split("=", 1)[0]);
      assert.deepEqual(set, ["__session", "__client_uat"]);
      assert.equal(response.headers.get("cache-control"), "private, no-store");
      const vary = (response.headers.get("vary") ?? "").toLowerCase().split(/, */);
      assert.deepEqual(vary.filter((name) => name === "cookie"), ["cookie"]);
      assert.ok(vary.includes("sec-fetch-dest"));
    });
  }

  it("to a form refreshes no expired session: only GET and HEAD do", async () => {
    const suffix = await suffixOf(OPTIONS);
    const browser = new Browser({ ...session(ADA, expired()), [`__refresh_${suffix}`]: "r" });
    await is(await browser.open("/", whoIs, { method: "POST" }), "nobody");
    assert.deepEqual(backend.asked, []);
  });

  it("has no header of the SDK except cookies", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = returnUrl(await browser.open("/"));
    const home = await browser.open(withResult(back, handshakeResult(ADA)));
    const names = [...home.headers.keys()].filter((name) => name !== "set-cookie");
    assert.deepEqual(names, ["cache-control", "location", "vary"]);
  });

  it("is replaced by the error that the handler throws", async () => {
    const fault = new Error("a bug");
    const work = createClerkSessions(OPTIONS).serve(new Request(APP), () => Promise.reject(fault));
    await assert.rejects(work, fault);
  });
});

describe("toLocalPath", () => {
  it("returns paths of this site", () => {
    for (const [raw, want] of [
      ["/", "/"],
      ["/orgs/org_1?tab=2&x=%20y", "/orgs/org_1?tab=2&x=%20y"],
      ["/a/../dashboard#part", "/dashboard"],
      ["/a?next=//evil.example", "/a?next=//evil.example"],
      ["/grüße", "/gr%C3%BC%C3%9Fe"],
    ] as const) {
      assert.equal(toLocalPath(raw), want);
    }
  });

  it("returns the fallback for paths that could lead to another site", () => {
    for (const raw of [
      "", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example",
      "/\t/evil.example", "/\r\nLocation: https://evil.example", "\t//evil.example",
      "/.//evil.example", "/./%2f/evil.example", "/%2F%2fevil.example", "/%5Cevil.example",
      "/..//evil.example", "https:evil.example", "https://evil.example", "javascript:alert(1)",
      "https://this-site.invalid.evil.example/", "dashboard", "@evil.example", null, undefined,
      `/${"a".repeat(2_048)}`,
    ]) {
      assert.equal(toLocalPath(raw), "/", String(raw));
      assert.equal(toLocalPath(raw, "/home"), "/home");
    }
  });
});
