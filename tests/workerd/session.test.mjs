// Who is let in as whom: session tokens, and the keys they are judged by.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { DOCUMENT, asSeen, checked, wayBack } from "./support/answers.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import {
  HEADER, PARTY, PEM_VARS, bearer, claimsOf, compact, jwk, key, makeKey, mint, serveJwks,
} from "./support/sessions.mjs";
import { CLOSED, JWKS, JWKS_VARS, OPEN, answerWith, fail } from "./support/settings-cases.mjs";
import { FORGED, REFUSED, STRICTER, fixture, shapes } from "./support/token-cases.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

/** A publishable key of the fixtures and the suffix that it gives to cookies. */
const [SUFFIXED] = JSON.parse(fixture("publishable-keys.json")).valid;

/** Paths that are no page, or another spelling of one. */
const ODD_PATHS = [
  "//dashboard", "/dashboard/", "/Dashboard", "/dashboard//", "/%64ashboard", "/dashboard%2f",
  "/dashboard%00", "/dashboard%", "/dashboard%zz", "/dashboard;x.js", "/dashboard.css",
  "/dashboard/x.css", "/dashboard%0d%0aLocation:%20//evil.example", "/assets/..%2fdashboard",
  "/assets/%2e%2e%2fadmin", "/assets/%2e%2e/admin", "/\\admin", "/\\evil.example",
  "//evil.example/dashboard",
  "///evil.example", "/.//evil.example", "/%2f%2fevil.example", "/%5cevil.example",
  "/orgs//settings", "/orgs/%6frg_1", `/orgs/${"a".repeat(600)}`, "/api/me/", "/api/me.json",
  "/\u00e9",
];

/** Methods that are neither `GET` nor `HEAD`, those included that Workers rarely meet. */
const METHODS = [
  "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "SEARCH", "REPORT",
  "LOCK",
];

/** What a sender may say of hosts and addresses. */
const EVIL = {
  host: "evil.example",
  origin: "https://evil.example",
  referer: "https://evil.example/",
  forwarded: "host=evil.example",
  "x-forwarded-host": "evil.example",
  "x-forwarded-proto": "gopher",
  "x-host": "evil.example",
  "x-original-url": "/admin",
  "x-rewrite-url": "/admin",
  "x-http-method-override": "POST",
};

describe("a session", () => {
  const servers = {};
  let system;

  before(async () => {
    for (const name of Object.keys(JWKS)) servers[name] = await serveJwks();
    for (const [name, change] of Object.entries(JWKS)) await change(servers[name]);
    const ssr = (name, vars = {}) => workerOf("ssr", { name, bindings: { ...PEM_VARS, ...vars } });
    const byJwks = (name) => ssr(name, { ...JWKS_VARS, CLERK_JWKS_URL: servers[name].url });
    system = await startDirect([
      workerOf("durable"),
      ssr("pem"),
      ...Object.keys(JWKS).map(byJwks),
      ...Object.entries(CLOSED).map(([name, [vars]]) => ssr(name, vars)),
      ...Object.entries(OPEN).map(([name, vars]) => ssr(name, vars)),
      ssr("suffixed", { CLERK_PUBLISHABLE_KEY: SUFFIXED.publishable_key }),
      ssr("sign-in-elsewhere", { SIGN_IN_URL: "https://accounts.example.com/in?theme=dark" }),
      ssr("sign-in-nowhere", { SIGN_IN_URL: "//evil.example" }),
      ssr("without-a-frontend", { CLERK_FRONTEND_API_URL: undefined }),
      workerOf("ssr", { name: "unbound", bindings: PEM_VARS, durableObjects: undefined }),
    ]);
  });
  after(async () => {
    await system?.stop();
    await Promise.all(Object.values(servers).map((server) => server.close()));
  });

  /** What the Worker of this name answers. */
  const raw = async (name, path, how) => wire(await system.url(name), path, how);

  /** The same, with everything checked that holds for all answers. */
  async function ask(name, path, how = {}) {
    return checked(await raw(name, path, how), `${name} ${how.method ?? "GET"} ${path}`);
  }

  /** Everything that needs a session, as far as it needs no roles to be asked. */
  const GUARDED = ["/dashboard", "/admin", "/orgs/org_1", "/api/me", "/api/check?role=member"];

  const me = (name, headers = {}) => ask(name, "/api/me", { headers });

  async function isSession(name, token, { sub, sid }) {
    const answer = await me(name, bearer(token));
    assert.equal(answer.status, 200, name);
    const { user_id, session_id } = JSON.parse(answer.text);
    assert.deepEqual({ user_id, session_id }, { user_id: sub, session_id: sid });
  }

  /** Why tokens were refused, in order, by the log. */
  const reasons = () => system.logs().split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line)).filter(({ message }) => message === "a token is refused")
    .map(({ rejection }) => rejection);

  /** What refuses, while it runs, is refused for these reasons. */
  async function refusedFor(expected, run) {
    const known = reasons().length;
    await run();
    const all = () => known + expected.length <= reasons().length;
    await waitFor("every refusal is logged", all);
    assert.deepEqual(reasons().slice(known), expected);
  }

  /** The answer to a token whose clock stands at one second: if it ticks meanwhile, once more. */
  async function inOneSecond(name, shape) {
    const seconds = () => Math.floor(Date.now() / 1000);
    return waitFor("an answer within one second of the clock", async () => {
      const before = seconds();
      const answer = await me(name, bearer(shape.made(before)));
      return before === seconds() && answer;
    });
  }

  for (const name of ["pem", "jwks"]) {
    it(`of every shape gets its marked verdict (${name})`, async () => {
      const all = shapes();
      assert.equal(all.length, 37);
      const anonymous = asSeen(await me(name));
      for (const shape of all) {
        // As in Clerk's SDK: a PEM is one key, and the id that a token names does not matter.
        const isNameless = name === "pem" && shape.name === "kid_unknown";
        const isRefused = shape.name in REFUSED && !isNameless;
        const isMarked = shape.expect.startsWith("ok") || isNameless;
        assert.equal(!isRefused, isMarked && !(shape.name in STRICTER), shape.name);
        const known = reasons().length;
        const answer = await inOneSecond(name, shape);
        if (!isRefused) {
          assert.equal(answer.status, 200, shape.name);
          const { user_id, session_id } = JSON.parse(answer.text);
          const { sub, sid } = shape.claims;
          assert.deepEqual({ user_id, session_id }, { user_id: sub, session_id: sid }, shape.name);
          continue;
        }
        // One answer for all, and the reason for the log alone.
        assert.deepEqual(asSeen(answer), anonymous, shape.name);
        const reason = REFUSED[shape.name];
        if (reason === undefined) continue;
        const isLogged = () => known < reasons().length && reasons().at(-1) === reason;
        await waitFor(`${shape.name} is refused because ${reason}`, isLogged);
      }
    });

    it(`with a signature that is nearly good is none (${name})`, async () => {
      const anonymous = asSeen(await me(name));
      const forged = Object.entries(FORGED);
      await refusedFor(forged.map(() => "the signature is wrong"), async () => {
        for (const [what, make] of forged) {
          assert.deepEqual(asSeen(await me(name, bearer(make()))), anonymous, what);
        }
      });
    });
  }

  it("is refused for what it demands, repeats or drags along", async () => {
    const odd = {
      "the header demands an extension": mint("user_1", { header: { crit: ["exp"] } }),
      "the token is longer than 8192 bytes": mint("user_1", { claims: { x: "x".repeat(8_192) } }),
      "the session id is missing": mint("user_1", { claims: { sid: undefined } }),
      "the claims cannot be read": mint("user_1", { claims: { exp: undefined, nbf: null } }),
      "the session is pending": mint("user_1", { claims: { sts: "resting" } }),
      "the subject is not a user": mint("user_1", { claims: { sub: "user_1/../user_2" } }),
    };
    await refusedFor(Object.keys(odd), async () => {
      for (const [why, token] of Object.entries(odd)) {
        assert.equal((await me("pem", bearer(token))).status, 401, why);
      }
    });
    const claims = claimsOf("user_2Big", { x: "x".repeat(5_000) });
    await isSession("pem", compact(HEADER, claims), claims);
  });

  it("is looked for in the header, then in its own cookie, then in the plain one", async () => {
    const own = SUFFIXED.session_cookie;
    const [a, a2, b] = ["user_2A", "user_2A", "user_2B"].map((sub) => claimsOf(sub));
    const [A, A2, B] = [a, a2, b].map((claims) => compact(HEADER, claims));
    const cases = [
      [{ cookie: `__session=${A}` }, a],
      [{ cookie: `${own}=${A}` }, a],
      [{ cookie: `theme="dark; x"; __session=${B}; ${own}=${A}` }, a],
      [{ cookie: `${own}=${A}; __session=${B}` }, a],
      [{ cookie: `${own}=; __session=${A}` }, a],
      [{ cookie: `__session=${A}; __session=${A}` }, a],
      [{ cookie: `__session_aaaaaaaa=${B}; __session=${A}` }, a],
      [{ cookie: `__session_aaaaaaaa=${A}` }, null],
      [{ cookie: `x__session=${A}; __SESSION=${A}; a=__session=${A}` }, null],
      [{ ...bearer(A), cookie: `__session=${A2}; ${own}=${A2}` }, a],
      [{ ...bearer(A2), cookie: `__session=${A}` }, a2],
      // Somebody else's schemes.
      [{ authorization: "Basic YTpi", cookie: `__session=${A}` }, a],
      [{ authorization: `Token ${B}`, cookie: `__session=${A}` }, a],
      [{ authorization: B, cookie: `__session=${A}` }, a],
      [{ authorization: "Basic YTpi" }, null],
      // Nothing falls back from a token that is none.
      [{ ...bearer("x.y.z"), cookie: `__session=${A}` }, null],
      [{ cookie: `${own}=x.y.z; __session=${A}` }, null],
      // Two that disagree: to guess would show one of them the other's page.
      [{ ...bearer(A), cookie: `__session=${B}` }, null],
      [{ ...bearer(A), cookie: `${own}=${B}` }, null],
      [{ cookie: `__session=${A}; __session=${B}` }, null],
      [{ cookie: `__session=${A}; __session=${A2}` }, null],
      [{ cookie: `${own}=${A}; ${own}=${B}` }, null],
      [{ cookie: `${own}=${A}; __session=${A}; __session=${B}` }, null],
      [{ ...bearer(A), cookie: `__session=${A}; __session=${B}` }, null],
      [{ authorization: [`Bearer ${A}`, `Bearer ${B}`] }, null],
      [{ cookie: [`__session=${A}`, `__session=${B}`] }, null],
    ];
    for (const [at, [headers, claims]] of cases.entries()) {
      const answer = await me("suffixed", headers);
      assert.equal(answer.status, claims ? 200 : 401, `case ${at}`);
      if (claims) assert.equal(JSON.parse(answer.text).session_id, claims.sid, `case ${at}`);
    }
  });

  it("cannot be judged by a Worker that is not configured: 503, whoever asks", async () => {
    const good = mint("user_2A");
    for (const [name, [, mistake]] of Object.entries(CLOSED)) {
      for (const headers of [{}, bearer(good), DOCUMENT, { ...DOCUMENT, ...bearer(good) }]) {
        for (const path of GUARDED) {
          assert.equal((await ask(name, path, { headers })).status, 503, `${name} ${path}`);
        }
      }
      assert.equal((await ask(name, "/")).status, 200, name);
      assert.equal((await ask(name, "/healthz")).status, 200, name);
      await waitFor(`${name} is logged`, () => system.logs().includes(mistake));
    }
    // The others, with the very same token.
    for (const name of ["pem", ...Object.keys(OPEN)]) {
      assert.equal((await me(name, bearer(good))).status, 200, name);
    }
  });

  it("begins at the sign-in page that is configured", async () => {
    const lost = (name) => raw(name, "/dashboard", { headers: DOCUMENT });
    const elsewhere = await lost("sign-in-elsewhere");
    assert.equal(elsewhere.status, 302);
    const to = "https://accounts.example.com/in?theme=dark&redirect_url=%2Fdashboard";
    assert.equal(elsewhere.headers.get("location"), to);
    assert.equal((await lost("sign-in-nowhere")).status, 503);
    assert.equal((await me("sign-in-nowhere")).status, 401);
    assert.equal((await me("sign-in-nowhere", bearer(mint("user_2A")))).status, 200);
    assert.equal((await ask("without-a-frontend", "/sign-in")).status, 503);
    assert.equal((await lost("without-a-frontend")).status, 302);
  });

  it("shows nothing when the roles are out of reach", async () => {
    for (const path of GUARDED) {
      const answer = await ask("unbound", path, { headers: bearer(mint("user_2A")) });
      assert.equal(answer.status, 503, path);
    }
  });

  it("opens no page by another spelling, and none leads to another site", async () => {
    const session = bearer(mint("user_2A"));
    for (const path of ODD_PATHS) {
      for (const headers of [{}, DOCUMENT, session, { ...DOCUMENT, ...session }]) {
        assert.equal((await ask("pem", path, { headers })).status, 404, path);
      }
    }
    // The platform resolves these before the Worker sees them: as good as the plain path.
    for (const path of ["/x/../dashboard", "/./dashboard"]) {
      const answer = await ask("pem", path, { headers: DOCUMENT });
      assert.equal(answer.status, 302, path);
      assert.equal(wayBack(answer.headers.get("location")), "/dashboard");
    }
    // And these it may refuse itself, with nothing of ours in the answer.
    for (const path of ["http://evil.example/dashboard", "\\dashboard", "dashboard"]) {
      const answer = await raw("pem", path, { headers: { ...DOCUMENT, ...session } });
      assert.ok(400 <= answer.status, path);
      assert.equal(answer.headers.get("location"), null, path);
      assert.doesNotMatch(answer.text, /user_2A/, path);
    }
  });

  it("is never led astray by a host or an address in a header", async () => {
    const signIn = "/sign-in?redirect_url=/dashboard";
    for (const path of ["/", "/dashboard", "/sign-in", signIn, "/nothing"]) {
      for (const session of [{}, bearer(mint("user_2A"))]) {
        const headers = { ...DOCUMENT, ...session };
        const plain = await ask("pem", path, { headers });
        const led = await ask("pem", path, { headers: { ...headers, ...EVIL } });
        assert.deepEqual(asSeen(led), asSeen(plain), path);
      }
    }
    const { text } = await ask("pem", signIn, { headers: EVIL });
    assert.ok(text.includes(encodeURIComponent(`${PARTY}/dashboard`)));
  });

  it("only reads: every other method is refused and leads nowhere", async () => {
    const headers = { ...DOCUMENT, "x-http-method-override": "GET" };
    const session = bearer(mint("user_2A"));
    for (const method of METHODS) {
      const status = async (path, more = {}) =>
        (await ask("pem", path, { method, headers: { ...headers, ...more } })).status;
      for (const path of ["/", "/sign-in", "/healthz", ...GUARDED]) {
        assert.equal(await status(path, session), 405, `${method} ${path}`);
        // Where a session is needed that is said first, and nobody is sent anywhere.
        const nobody = GUARDED.includes(path) ? 401 : 405;
        assert.equal(await status(path), nobody, `${method} ${path} as nobody`);
      }
      assert.equal(await status("/nothing", session), 404, method);
    }
  });

  it("F-18 is not judged by a key that everybody has, or that verifies something else", async () => {
    // Signed by the key of Clerk's own tests, long ago: were it believed, the reason would differ.
    const [{ token }] = JSON.parse(fixture("derived-session-tokens.json")).cases;
    const kids = ["ins_2Weak", "ins_2Encrypts", undefined];
    const unknown = [token, ...kids.map((kid) => mint("user_2A", { header: { kid } }))];
    await refusedFor(unknown.map(() => "the key is unknown"), async () => {
      for (const one of unknown) assert.equal((await me("mixed", bearer(one))).status, 401);
    });
    assert.equal((await me("mixed", bearer(mint("user_2A")))).status, 200);
  });

  describe("F-18 judged by a JWKS", { concurrency: true }, () => {
    const mine = () => bearer(mint("user_2A"));
    const named = (kid) => bearer(mint("user_2A", { header: { kid } }));
    const unknown = () => named(`ins_${randomUUID()}`);
    const status = async (name, headers) => (await me(name, headers)).status;

    it("a storm of unknown keys is one fetch, or two when it is a long one", async () => {
      const storm = (length) =>
        Promise.all(Array.from({ length }, () => status("storm", unknown())));
      const cold = await storm(150);
      assert.deepEqual(new Set(cold), new Set([401]));
      assert.equal(await status("storm", mine()), 200);
      const warm = await storm(150);
      assert.deepEqual(new Set(warm), new Set([401]));
      const { hits } = servers.storm;
      assert.ok(1 <= hits && hits <= 2, `${hits} fetches`);
    });

    it("a rotated key is found, and the old one forgotten, at the price of one fetch", async () => {
      const [next, kid] = [makeKey(), "ins_2TheNextKey"];
      const signedByNext = () => bearer(mint("user_2A", { header: { kid }, signer: next }));
      assert.equal(await status("rotated", mine()), 200);
      assert.equal(await status("rotated", signedByNext()), 401);
      answerWith(servers.rotated, { keys: [jwk(next, kid)] });
      const isKnown = async () => (await status("rotated", signedByNext())) === 200;
      await waitFor("the new key is known", isKnown);
      assert.equal(servers.rotated.hits, 2);
      assert.equal(await status("rotated", mine()), 401);
    });

    it("keys in hand go on serving when there is nobody to ask", async () => {
      assert.equal(await status("warm", mine()), 200);
      servers.warm.answer = fail;
      const asked = async () => {
        assert.equal(await status("warm", unknown()), 401);
        return servers.warm.hits === 2;
      };
      await waitFor("it was asked in vain", asked);
      assert.equal(await status("warm", mine()), 200);
    });

    const unusable = ["down", "gone", "garbled", "empty", "large", "moved", "silent"];
    for (const name of [...unusable, "ambiguous", "published"]) {
      it(`nobody is judged while it is ${name}: 503, and all is well when it is back`, async () => {
        assert.equal(await status(name, mine()), 503);
        assert.equal(await status(name, unknown()), 503);
        const page = await ask(name, "/dashboard", { headers: { ...DOCUMENT, ...mine() } });
        assert.equal(page.status, 503);
        assert.match(page.headers.get("content-type"), /^text\/html/);
        // Who brings no token needs no key to be told so.
        assert.equal(await status(name), 401);
        if (name === "moved") assert.equal(servers[name].moved, undefined, "nobody followed it");
        answerWith(servers[name], { keys: [jwk(key)] });
        await waitFor("it serves again", async () => (await status(name, mine())) === 200);
      });
    }
  });

  it("leaves nothing of its token in the log", async () => {
    const [token, cookie] = [mint("user_2Logged"), mint("user_2Logged")];
    const query = "q=query-canary";
    const both = { ...bearer(token), cookie: `__session=${cookie}; c=cookie-canary` };
    await ask("pem", `/dashboard?${query}`, { headers: both });
    await ask("pem", `/dashboard?${query}`, { headers: bearer(`${token}x`) });
    await ask("pem", `/dashboard?${query}`, { headers: DOCUMENT });
    await waitFor("it is logged", () => system.logs().includes("user_2Logged"));
    assert.doesNotMatch(system.logs(), /eyJ|bearer|__session|canary/i);
  });
});
