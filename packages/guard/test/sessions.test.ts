// Sessions by Clerk's own SDK: whose answer counts, where a browser is sent, what stands on each
// answer. The SDK is the real one; only its Backend API is played.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

// First of all: the SDK keeps the `fetch` that is there when it is loaded.
import "./backend.ts";

import { localPath, sessions } from "../src/session/index.ts";
import { awayOf } from "../src/session/judge.ts";
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
  answer,
  cookieOf,
  emptyAnswer,
  lapsed,
  now,
  session,
  stranger,
  suffixOf,
  token,
  whoIs,
} from "./clerk-support.ts";

const HANDSHAKE = "https://clerk.example.com/v1/client/handshake";

/** Where Clerk is told to send the browser back to. */
function wayBack(response: Response): URL {
  assert.equal(response.status, 307);
  const to = new URL(response.headers.get("location") ?? "");
  assert.equal(to.origin + to.pathname, HANDSHAKE);
  return new URL(to.searchParams.get("redirect_url") ?? "");
}

/** The path under which a browser comes back with an answer. */
function withAnswer(back: URL, given: string, name = "__clerk_handshake"): string {
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

describe("an answer of Clerk's", () => {
  it("signs in the browser that was sent away for it", async () => {
    const browser = new Browser(session(ADA, lapsed()));
    const away = await browser.open("/reports?x=1&y=%20b");
    const back = wayBack(away);
    assert.equal(back.origin, APP);
    const cookie = away.headers.getSetCookie().find((line) => line.includes("asked"));
    const asked = back.searchParams.get("rolecall_asked");
    const attributes = "Path=/; SameSite=Lax; HttpOnly; Max-Age=60; Secure";
    assert.equal(cookie, `__Host-rolecall_asked=${asked}; ${attributes}`);
    const home = await browser.open(withAnswer(back, answer(ADA)));
    assert.deepEqual(
      [home.status, home.headers.get("location")],
      [307, "/reports?x=1&y=%20b"],
    );
    assert.ok(!browser.kept.has("__Host-rolecall_asked"));
    await is(await browser.open("/reports?x=1"), ADA);
  });

  it("may come in a cookie, as it does in production", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = wayBack(await browser.open("/reports"));
    browser.kept.set("__clerk_handshake", answer(ADA));
    const home = await browser.open(`${back.pathname}${back.search}`);
    assert.equal(home.headers.get("location"), "/reports");
    assert.ok(!browser.kept.has("__clerk_handshake"));
    await is(await browser.open("/reports"), ADA);
  });

  it("may be a nonce, and nobody is asked about one that was not asked for", async () => {
    const directives = [`__session=${token(ADA)}; Path=/`, `__client_uat=${now() - 9}; Path=/`];
    backend.answer = () => Response.json({ directives });
    const link = await new Browser().open("/?__clerk_handshake_nonce=n0nce");
    assert.equal(link.headers.get("location"), "/");
    assert.deepEqual(backend.asked, []);
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = wayBack(await browser.open("/reports"));
    await browser.open(withAnswer(back, "n0nce", "__clerk_handshake_nonce"));
    assert.match(backend.asked.join(), /handshake_payload\?nonce=n0nce/);
    await is(await browser.open("/reports"), ADA);
  });

  const links: [string, string][] = [
    ["alone", "?__clerk_handshake=ANSWER"],
    ["with a value of the attacker's own", "?rolecall_asked=1-2-3&__clerk_handshake=ANSWER"],
    ["with an empty value", "?rolecall_asked=&__clerk_handshake=ANSWER"],
    ["with its name encoded", "?%5F_clerk_handshake=ANSWER"],
    ["behind another", "?__clerk_handshake=&__clerk_handshake=ANSWER"],
  ];
  for (const [how, query] of links) {
    it(`of the attacker's in a link, ${how}, signs nobody in`, async () => {
      const browser = new Browser();
      const link = `/reports${query.replace("ANSWER", answer(MALLORY))}`;
      const response = await browser.open(link);
      assert.deepEqual([response.status, response.headers.get("location")], [307, "/reports"]);
      assert.deepEqual([...browser.kept], []);
      await is(await browser.open("/reports"), "nobody");
    });

    it(`of the attacker's in a link, ${how}, leaves a good session as it is`, async () => {
      const browser = new Browser(session(ADA));
      const before = new Map(browser.kept);
      await browser.open(`/reports${query.replace("ANSWER", answer(MALLORY))}`);
      assert.deepEqual(browser.kept, before);
      await is(await browser.open("/reports"), ADA);
    });

    it(`of the attacker's in a link, ${how}, does not renew a lapsed session`, async () => {
      const browser = new Browser(session(ADA, lapsed()));
      const response = await browser.open(`/reports${query.replace("ANSWER", answer(MALLORY))}`);
      const back = wayBack(response);
      assert.deepEqual([...back.searchParams.keys()], ["rolecall_asked"]);
      assert.doesNotMatch(browser.kept.get("__session") ?? "", new RegExp(token(MALLORY)));
    });
  }

  it("of the attacker's in a cookie of a sibling domain signs nobody in", async () => {
    for (const name of ["__clerk_handshake", "__clerk_handshake_nonce"]) {
      await is(await new Browser({ [name]: answer(MALLORY) }).open("/"), "nobody");
      const cookie = ` ${name} = ${answer(MALLORY)}`;
      await is(await new Browser().open("/", whoIs, { headers: { cookie } }), "nobody");
      await is(await new Browser({ ...session(ADA), [name]: answer(MALLORY) }).open("/"), ADA);
    }
  });

  it("in a cookie does not count beside another, which a sibling domain can set", async () => {
    for (const name of ["__clerk_handshake", "__clerk_handshake_nonce"]) {
      const browser = new Browser({ __client_uat: String(now() - 100) });
      const back = wayBack(await browser.open("/reports"));
      const asked = `__Host-rolecall_asked=${browser.kept.get("__Host-rolecall_asked")}`;
      const planted = `__client_uat=1; ${asked}; ${name}=${answer(MALLORY)}`;
      const init = (cookie: string) => ({ headers: { cookie } });
      // Clerk's own came in the address.
      const mine = await browser.open(withAnswer(back, answer(ADA)), whoIs, init(planted));
      assert.equal(mine.status, 307);
      assert.deepEqual(backend.asked, []);
      await is(await browser.open("/reports"), ADA);
      // Clerk's own came in a cookie.
      const both = `${planted}; __clerk_handshake=${answer(ADA)}`;
      const anew = new Browser();
      wayBack(await anew.open(`${back.pathname}${back.search}`, whoIs, init(both)));
      assert.ok(!anew.kept.has("__session"));
    }
  });

  it("is not believed with another's signature, and the page is shown to nobody", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = wayBack(await browser.open("/reports"));
    wayBack(await browser.open(withAnswer(back, answer(MALLORY, stranger))));
    assert.ok(!browser.kept.has("__session"));
  });

  it("never replaces a session that became good meanwhile", async () => {
    const browser = new Browser(session(ADA, lapsed()));
    const back = wayBack(await browser.open("/reports"));
    for (const [name, value] of Object.entries(session(ADA))) browser.kept.set(name, value);
    const home = await browser.open(withAnswer(back, answer(MALLORY)));
    assert.equal(home.headers.get("location"), "/reports");
    await is(await browser.open("/reports"), ADA);
  });

  it("sets no cookie that is not Clerk's", async () => {
    const browser = new Browser(session(ADA, lapsed()));
    const back = wayBack(await browser.open("/reports"));
    const more = ["theme=x; Path=/", "__Host-admin=1; Path=/; Secure", "__Secure-admin=1"];
    await browser.open(withAnswer(back, answer(ADA, undefined, ...more)));
    assert.deepEqual([...browser.kept.keys()].filter((name) => /theme|admin/.test(name)), []);
    await is(await browser.open("/reports"), ADA);
  });

  it("that nobody is signed in ends the cookies of the session", async () => {
    const browser = new Browser(session(ADA, lapsed()));
    const back = wayBack(await browser.open("/reports"));
    const home = await browser.open(withAnswer(back, emptyAnswer()));
    assert.equal(home.headers.get("location"), "/reports");
    assert.deepEqual([...browser.kept.keys()].filter((name) => name === "__session"), []);
    await is(await browser.open("/reports"), "nobody");
  });

  it("is taken from no script, no form, and no second value", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = wayBack(await browser.open("/reports"));
    const path = withAnswer(back, answer(ADA));
    await is(await browser.open(path, whoIs, { headers: SCRIPT }), "nobody");
    await is(await browser.open(path, whoIs, { method: "POST" }), "nobody");
    wayBack(await browser.open(`${path}&rolecall_asked=x`));
    const name = "__Host-rolecall_asked";
    const cookie = `__client_uat=1; ${name}=${browser.kept.get(name)}; ${name}=x`;
    wayBack(await new Browser().open(path, whoIs, { headers: { cookie } }));
    assert.ok(!browser.kept.has("__session"));
  });

  it("comes back to each of two tabs that were sent away at once", async () => {
    const browser = new Browser(session(ADA, lapsed()));
    const backs = [wayBack(await browser.open("/a")), wayBack(await browser.open("/b"))];
    const [first, second] = backs.map((back) => back.searchParams.get("rolecall_asked"));
    assert.equal(first, second);
  });

  it("is tied without the prefix where there is no https", async () => {
    const local = "http://127.0.0.1:8791";
    const browser = new Browser({ __client_uat: String(now() - 100) }, local);
    const back = wayBack(await browser.open("/reports"));
    assert.equal(back.origin, local);
    assert.ok(browser.kept.has("rolecall_asked"));
  });
});

describe("a browser", () => {
  const elsewhere = [
    "//evil.example/", "/\\evil.example/", "/\t/evil.example/", "/.//evil.example/",
    "/a/..//evil.example/", "/%2f/evil.example/", "/%5Cevil.example/", "//evil.example",
  ];
  for (const where of elsewhere) {
    it(`is never sent to another site by ${JSON.stringify(where)}`, async () => {
      for (const query of ["?__clerk_handshake=x", "?x=1&__clerk_db_jwt=x", "?__clerk_help=1"]) {
        for (const options of [OPTIONS, DEVELOPMENT]) {
          for (const kept of [{}, session(ADA), session(ADA, lapsed())]) {
            const init = { options: { ...options, reload }, headers: PAGE };
            for (const headers of [PAGE, SCRIPT]) {
              const browser = new Browser(kept);
              isAtHome(await browser.open(where + query, whoIs, { ...init, headers }));
            }
          }
        }
      }
    });
  }

  const reload = (path: string) => new Response(null, { status: 302, headers: { location: path } });

  function isAtHome(response: Response): void {
    const location = response.headers.get("location");
    if (location === null) return;
    const to = new URL(location, APP);
    if (location.startsWith("/")) assert.equal(to.origin, APP, location);
    else assert.equal(new URL(wayBack(response)).origin, APP);
  }

  it("is not sent to a satellite of a development instance by an address", async () => {
    const browser = new Browser({ __clerk_db_jwt: "dvb_1" });
    const query = new URLSearchParams({ __clerk_redirect_url: "https://evil.example/" });
    const response = await browser.open(`/?${query}`, whoIs, { options: DEVELOPMENT });
    assert.equal(response.headers.get("location"), "/");
  });

  it("of a development instance is known by the address, unless its session is good", async () => {
    const options = DEVELOPMENT;
    const response = await new Browser().open("/a?__clerk_db_jwt=dvb_2", whoIs, { options });
    wayBack(response);
    const to = new URL(response.headers.get("location") ?? "");
    assert.equal(to.searchParams.get("__clerk_db_jwt"), "dvb_2");
    const browser = new Browser({ ...session(ADA), __clerk_db_jwt: "dvb_1" });
    const link = await browser.open("/a?__clerk_db_jwt=dvb_2", whoIs, { options });
    assert.equal(link.headers.get("location"), "/a");
    await is(await browser.open("/a", whoIs, { options }), ADA);
  });

  it("of a development instance takes no answer from an address that names it", async () => {
    const options = DEVELOPMENT;
    for (const kept of [{}, session(ADA, lapsed()), { __clerk_db_jwt: "dvb_1" }]) {
      const browser = new Browser(kept);
      const query = `?__clerk_db_jwt=dvb_2&__clerk_handshake=${answer(MALLORY)}`;
      const link = await browser.open(`/a${query}`, whoIs, { options });
      assert.deepEqual([...wayBack(link).searchParams.keys()], ["rolecall_asked"]);
      assert.equal(browser.kept.get("__session"), new Map(Object.entries(kept)).get("__session"));
    }
  });

  it("is sent to a proxy of Clerk's where there is one", async () => {
    const options = { ...OPTIONS, proxyUrl: `${APP}/__clerk` };
    const browser = new Browser(session(ADA, lapsed()));
    const { headers } = await browser.open("/a", whoIs, { options });
    const { origin, pathname } = new URL(headers.get("location") ?? "");
    assert.deepEqual([origin, pathname], [APP, "/__clerk/v1/client/handshake"]);
  });

  it("is sent nowhere else, should the SDK say so", (test) => {
    test.mock.method(console, "warn", () => {});
    for (const odd of ["https://evil.example/?to=/v1/client/handshake", "/v1/client/x", "", null]) {
      assert.deepEqual(awayOf(odd, ["__session=x"]), { is: "out", cookies: [] });
    }
    const { is: right } = awayOf(`${HANDSHAKE}?redirect_url=x`, []);
    assert.equal(right, "away");
  });

  it("comes from another site without a detour while its session is good", async () => {
    const headers = { referer: "https://news.example/" };
    await is(await new Browser(session(ADA)).open("/", whoIs, { headers }), ADA);
  });

  it("comes back to the address that was reached, whatever its headers say", async () => {
    const headers = { "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" };
    const browser = new Browser(session(ADA, lapsed()));
    assert.equal(wayBack(await browser.open("/", whoIs, { headers })).origin, APP);
  });

  it("is not sent away for ever", async () => {
    const ahead = session(ADA, { iat: now() + 500, nbf: now() + 500, exp: now() + 560 });
    const browser = new Browser(ahead);
    for (let trip = 0; trip < 3; trip += 1) wayBack(await browser.open("/"));
    await is(await browser.open("/"), "nobody");
  });
});

function renewOf(body: unknown): unknown {
  return Object.entries(body ?? {}).find(([name]) => name === "renew")?.[1];
}

/** Every reason that a handshake mends, in Clerk's word, by the cookies of the browser. */
const MENDED: Record<string, () => Record<string, string>> = {
  "session-token-expired": () => session(ADA, lapsed()),
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
  const reload = (path: string) => Response.json({ reload: path });
  const options = { ...OPTIONS, reload };

  for (const [what, cookies] of Object.entries(MENDED)) {
    it(`has its page loaded again for ${what}`, async () => {
      const browser = new Browser(cookies());
      const response = await browser.open("/admin?x=1", whoIs, { options, headers: SCRIPT });
      assert.deepEqual(await response.json(), { reload: "/admin?x=1" });
      assert.equal(response.headers.get("cache-control"), "private, no-store");
      const page = await browser.open("/admin?x=1");
      wayBack(page);
      const to = new URL(page.headers.get("location") ?? "");
      assert.ok(to.searchParams.get("__clerk_hs_reason")?.startsWith(what), to.href);
    });

    it(`is told to renew for ${what}, where no framework reads it`, async () => {
      for (const method of ["GET", "POST"]) {
        const init = { headers: SCRIPT, method };
        const response = await new Browser(cookies()).open("/api", requires, init);
        assert.equal(response.status, 401, method);
        assert.equal(response.headers.get("www-authenticate"), "Bearer");
        assert.deepEqual(await response.json(), { error: "unauthenticated", renew: true });
      }
    });
  }

  const requires = (found: { require(): { userId: string } }) => {
    return new Response(found.require().userId);
  };

  it("does not have it loaded again for ever by a clock that is wrong", async () => {
    const browser = new Browser(session(ADA, { iat: now() + 500, nbf: now() + 500 }));
    const ask = () => browser.open("/admin", requires, { options, headers: SCRIPT });
    const asked = [await ask(), await ask(), await ask(), await ask()];
    assert.deepEqual(asked.map(({ status }) => status), [200, 200, 302, 302]);
    assert.equal(asked[3]?.headers.get("location"), "/sign-in?redirect_url=%2Fadmin");
    const plain = new Browser(session(ADA, lapsed()));
    const renewals = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const response = await plain.open("/api", requires, { headers: SCRIPT });
      renewals.push(renewOf(await response.json()));
    }
    assert.deepEqual(renewals, [true, true, false, false]);
  });

  it("may have it loaded again once a session was good", async () => {
    const browser = new Browser(session(ADA, lapsed()));
    await browser.open("/admin", whoIs, { options, headers: SCRIPT });
    assert.equal(browser.kept.get("__Host-rolecall_renewals"), "1");
    for (const [name, value] of Object.entries(session(ADA))) browser.kept.set(name, value);
    await is(await browser.open("/admin"), ADA);
    assert.ok(!browser.kept.has("__Host-rolecall_renewals"));
  });

  it("is told nothing of the kind where a page would not help", async () => {
    for (const cookies of [{}, { __session: token(ADA, {}, stranger), __client_uat: "1" }]) {
      const response = await new Browser(cookies).open("/api", requires, { headers: SCRIPT });
      assert.deepEqual([response.status, renewOf(await response.json())], [401, false]);
    }
    const headers = { ...SCRIPT, authorization: `Bearer ${token(ADA, lapsed())}` };
    const response = await new Browser().open("/api", requires, { options, headers });
    assert.equal(response.headers.get("location"), "/sign-in?redirect_url=%2Fapi");
    const program = await new Browser().open("/api", requires, { headers });
    assert.deepEqual([program.status, renewOf(await program.json())], [401, false]);
  });

  it("with a good token in a header is a session's", async () => {
    const headers = { ...SCRIPT, authorization: `Bearer ${token(ADA)}` };
    await is(await new Browser().open("/api", whoIs, { headers }), ADA);
  });
});

describe("whoever must be signed in", () => {
  const requires = (found: { require(): { userId: string } }) => {
    return new Response(found.require().userId);
  };

  it("is sent to sign in with the page's address, on this site or another", async () => {
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

  it("is told 503 while it cannot be known who is", async (test) => {
    test.mock.method(console, "warn", () => {});
    for (const changes of [{ secretKey: "" }, { publishableKey: "" }, { publishableKey: "pk" }]) {
      const options = { ...OPTIONS, ...changes };
      const response = await new Browser(session(ADA)).open("/a", requires, { options });
      assert.equal(response.status, 503);
      assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    }
  });

  it("is told 503 while the keys are out of reach", async (test) => {
    test.mock.method(console, "warn", () => {});
    backend.answer = () => new Response("no", { status: 403 });
    const options = { ...OPTIONS, jwtKey: undefined };
    const cookies = Object.entries(session(ADA));
    const asked = [];
    // The keys are asked for no oftener where a cookie comes twice.
    for (const more of [[], [["__session", token(ADA)]] as const]) {
      backend.asked.length = 0;
      const headers = { cookie: cookieOf([...cookies, ...more]) };
      const response = await new Browser().open("/a", requires, { options, headers });
      assert.equal(response.status, 503);
      asked.push(backend.asked.length);
    }
    assert.equal(asked[0], asked[1]);
  });

  it("is nobody where no party is authorized", async () => {
    for (const authorizedParties of [[], [""], [" "], ["https://evil.example"]]) {
      const options = { ...OPTIONS, authorizedParties };
      const response = await new Browser(session(ADA)).open("/a", requires, { options });
      assert.equal(response.status, 302);
    }
  });

  it("is nobody where cookies hold good sessions of two users", async () => {
    const { __session: own = "", __client_uat: uat = "" } = session(ADA);
    const other = token(MALLORY);
    for (const [cookie, status] of [
      [`__session=${own}; __session=${other}; __client_uat=${uat}`, 401],
      [`__session=${other}; __session=${own}; __client_uat=${uat}`, 401],
      [`__session=${own}; __session_abcdefgh=${other}; __client_uat=${uat}`, 401],
      [`__session=${own}; __session=${token(ADA)}; __client_uat=${uat}`, 200],
      [`__session=${own}; __session=${token(MALLORY, lapsed())}; __client_uat=${uat}`, 200],
      [`__session=${own}; __session=${token(MALLORY, {}, stranger)}; __client_uat=${uat}`, 200],
      [`__session=${own}; __session_x=a.b.c; __session_y=; __client_uat=${uat}`, 200],
    ] as const) {
      const response = await new Browser().open("/a", requires, { headers: { cookie } });
      assert.equal(response.status, status, cookie);
    }
    const cookie = `__session=${other}`;
    const headers = { ...SCRIPT, cookie, authorization: `Bearer ${own}` };
    await is(await new Browser().open("/a", requires, { headers }), ADA);
  });

  it("is who they are beside any number of tokens that are forged", async () => {
    const { __session: own = "", __client_uat: uat = "" } = session(ADA);
    const many = (tokens: string[], name = (index: number) => `__session_${index}`) => {
      const all = tokens.map((one, index) => [name(index), one] as const);
      const cookie = cookieOf([["__session", own], ...all, ["__client_uat", uat]]);
      return new Browser().open("/a", requires, { headers: { cookie } });
    };
    const users = Array.from({ length: 40 }, (_, index) => `user_${index}`);
    const forged = users.map((user) => token(user, {}, stranger));
    for (const count of [1, 4, 5, 8, 9, 40]) await is(await many(forged.slice(0, count)), ADA);
    const over = users.map((user) => token(user, lapsed()));
    await is(await many(over), ADA);
    // Other instances' apps on the same domain.
    const iss = "https://clerk.other.example";
    const foreign = users.map((user) => token(user, { iss }, stranger));
    await is(await many(foreign), ADA);
    assert.equal((await many([...foreign, token(MALLORY)])).status, 401);
    // Somebody else's that is good counts behind seven of them, and wherever Clerk's SDK looks.
    const other = token(MALLORY);
    assert.equal((await many([...forged.slice(0, 7), other])).status, 401);
    const names = ["__session", `__session_${await suffixOf(OPTIONS)}`];
    for (const name of names) {
      const last = (index: number) => (index < 40 ? `__session_${index}` : name);
      assert.equal((await many([...forged, other], last)).status, 401, name);
    }
    await is(await many([...forged, other]), ADA);
  });

  it("is nobody with what cannot be read", async (test) => {
    test.mock.method(console, "warn", () => {});
    for (const junk of ["x", "a.b.c", "..", "%", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA"]) {
      const cookies = { __session: junk, __client_uat: String(now()) };
      assert.equal((await new Browser(cookies).open("/a", requires)).status, 302, junk);
    }
  });

  it("is told whether somebody else acts as them", async () => {
    const says = new Browser(session(ADA, { act: { sub: "user_2TheColleague" } }));
    const response = await says.open("/", ({ viewer }) => Response.json(viewer?.impersonated));
    assert.equal(await response.json(), true);
  });
});

describe("every answer", () => {
  const kinds: [string, () => Response | never][] = [
    ["a page", () => new Response("page", { headers: { "cache-control": "public, max-age=60" } })],
    ["a redirect", () => Response.redirect(`${APP}/b`, 302)],
    ["a refusal", () => {
      throw new Response("forbidden", { status: 403, headers: { vary: "Origin, cookie" } });
    }],
  ];
  for (const [what, handler] of kinds) {
    it(`carries what Clerk wants set, and nobody stores it: ${what}`, async () => {
      // The SDK refreshes a session by a cookie: what it got is set on whatever is answered.
      const cookies = [`__session=${token(ADA)}; Path=/`, `__client_uat=${now() - 9}; Path=/`];
      backend.answer = () => Response.json({ object: "cookies", cookies });
      const suffix = await suffixOf(OPTIONS);
      const browser = new Browser({ ...session(ADA, lapsed()), [`__refresh_${suffix}`]: "r" });
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

  it("to a form is that of a lapsed session, which only what is read refreshes", async () => {
    const suffix = await suffixOf(OPTIONS);
    const browser = new Browser({ ...session(ADA, lapsed()), [`__refresh_${suffix}`]: "r" });
    await is(await browser.open("/", whoIs, { method: "POST" }), "nobody");
    assert.deepEqual(backend.asked, []);
  });

  it("sets no header of the SDK's but its cookies", async () => {
    const browser = new Browser({ __client_uat: String(now() - 100) });
    const back = wayBack(await browser.open("/"));
    const home = await browser.open(withAnswer(back, answer(ADA)));
    const names = [...home.headers.keys()].filter((name) => name !== "set-cookie");
    assert.deepEqual(names, ["cache-control", "location", "vary"]);
  });

  it("is the handler's fault where that fails", async () => {
    const fault = new Error("a fault");
    const work = sessions(OPTIONS).serve(new Request(APP), () => Promise.reject(fault));
    await assert.rejects(work, fault);
  });
});

describe("an address of this site", () => {
  it("is kept", () => {
    for (const [raw, want] of [
      ["/", "/"],
      ["/orgs/org_1?tab=2&x=%20y", "/orgs/org_1?tab=2&x=%20y"],
      ["/a/../dashboard#part", "/dashboard"],
      ["/a?next=//evil.example", "/a?next=//evil.example"],
      ["/grüße", "/gr%C3%BC%C3%9Fe"],
    ] as const) {
      assert.equal(localPath(raw), want);
    }
  });

  it("is another one where it could lead elsewhere", () => {
    for (const raw of [
      "", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example",
      "/\t/evil.example", "/\r\nLocation: https://evil.example", "\t//evil.example",
      "/.//evil.example", "/./%2f/evil.example", "/%2F%2fevil.example", "/%5Cevil.example",
      "/..//evil.example", "https:evil.example", "https://evil.example", "javascript:alert(1)",
      "https://this-site.invalid.evil.example/", "dashboard", "@evil.example", null, undefined,
      `/${"a".repeat(2_048)}`,
    ]) {
      assert.equal(localPath(raw), "/", String(raw));
      assert.equal(localPath(raw, "/home"), "/home");
    }
  });
});
