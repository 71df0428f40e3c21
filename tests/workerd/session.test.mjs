// Session tokens and the keys that verify them: which tokens are accepted, and for which user.

import assert from "node:assert/strict";
import { randomUUID, sign } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { DOCUMENT, checkResponse, comparable, returnPath } from "./support/answers.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import {
  PUBLIC_ROUTES, apiPaths, guardedPages, guardedRoutes, pagesWithRole,
} from "./support/routes.mjs";
import {
  HEADER, PARTY, PEM_VARS, bearer, claimsOf, compact, jwk, key, makeKey, mint, part, serveJwks,
} from "./support/sessions.mjs";
import {
  CLOSED, ENDLESS_BYTES, JWKS, JWKS_VARS, OPEN, answerWith, fail,
} from "./support/settings-cases.mjs";
import {
  CLASSES, FORGED, REFUSED, STRICTER, byHmac, fixture, secretsOfPublicKey, shapes,
} from "./support/token-cases.mjs";
import { waitFor } from "./support/wait.mjs";
import { wire } from "./support/wire.mjs";

/** A publishable key of the fixtures, and the cookie suffix that it gives. */
const [SUFFIXED] = JSON.parse(fixture("publishable-keys.json")).valid;

/** Paths that do not exist, or other spellings of existing ones. */
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

/** All paths with personal data. */
const PERSONAL_PATHS = [...guardedPages("org_1"), ...apiPaths()];

/** Spellings of a path that a cache might take for a static file. */
function likeFiles(place) {
  const behind = [
    "/x.css", "/x.js", "//x.css", ";x.js", ";x.css", "%2fx.css", "%2Fx.css", "%00.css", "%00",
    "%3fx.css", "%23x.css", "%3bx.js", "%0ax.css", "%20", "%20.css", "/.css", ".css", ".js",
    ".json",
    "/..%2fx.css", "/%2e%2e/x.css", "/", "\\x.css", "%5cx.css", "%c0%af.css", "!.css", "~",
  ];
  const before = ["/static/..%2f", "/assets/..%2f", "/assets/style.css/..%2f", "/assets/%2e%2e%2f"];
  return [
    ...behind.map((tail) => `${place}${tail}`),
    ...before.map((head) => `${head}${place.slice(1)}`),
    `/.${place}`.replace("/.", "/%2e"), `/${place}`, place.toUpperCase(),
  ];
}

/** Methods other than `GET` and `HEAD`, including ones that Workers rarely get. */
const METHODS = [
  "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "SEARCH", "REPORT",
  "LOCK",
];

/** Headers in which a client may claim hosts and URLs. */
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

describe("a session token", () => {
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
      ssr("by-issuer", { ...JWKS_VARS, CLERK_ISSUER: originOf(servers.issuers) }),
      ssr("suffixed", { CLERK_PUBLISHABLE_KEY: SUFFIXED.publishable_key }),
      ssr("sign-in-elsewhere", { SIGN_IN_URL: "https://accounts.example.com/in?theme=dark" }),
      ssr("sign-in-nowhere", { SIGN_IN_URL: "//evil.example" }),
      ssr("sign-out-nowhere", { SIGN_OUT_URL: "http://accounts.example.com/sign-out" }),
      ssr("without-a-frontend", { CLERK_FRONTEND_API_URL: undefined }),
      ssr("takes-nameless", { COOKIES_WITHOUT_AZP: "take" }),
      workerOf("ssr", { name: "unbound", bindings: PEM_VARS, durableObjects: undefined }),
    ]);
  });
  after(async () => {
    await system?.stop();
    await Promise.all(Object.values(servers).map((server) => server.close()));
  });

  /** Returns the response of the Worker with this name. */
  const raw = async (name, path, how) => wire(await system.url(name), path, how);

  /** The same, with checks of the rules for all responses. */
  async function ask(name, path, how = {}) {
    return checkResponse(await raw(name, path, how), `${name} ${how.method ?? "GET"} ${path}`);
  }

  const originOf = ({ url }) => new URL(url).origin;

  const GUARDED = guardedRoutes("org_1");
  const WITH_ROLE = pagesWithRole("org_1");

  const me = (name, headers = {}) => ask(name, "/api/me", { headers });

  async function isSession(name, token, { sub, sid }) {
    const answer = await me(name, bearer(token));
    assert.equal(answer.status, 200, name);
    const { user_id, session_id } = JSON.parse(answer.text);
    assert.deepEqual({ user_id, session_id }, { user_id: sub, session_id: sid });
  }

  /** Returns why tokens were rejected, as the log says it in sentences, in order. */
  const reasons = () => system.logs().split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line)).filter(({ message }) => message === "session token rejected")
    .map(({ detail }) => detail);

  /** Checks that the tokens rejected during `work` have these reasons. */
  async function refusedFor(expected, run) {
    // Earlier log lines may still arrive: they come before this one.
    const marked = reasons().filter((reason) => reason === "the session is not active").length;
    await me("pem", bearer(mint("user_2A", { claims: { sts: "pending" } })));
    const isMarked = () =>
      reasons().filter((reason) => reason === "the session is not active").length === marked + 1;
    await waitFor("what went before is logged", isMarked);
    const known = reasons().length;
    await run();
    const all = () => known + expected.length <= reasons().length;
    await waitFor("every refusal is logged", all);
    assert.deepEqual(reasons().slice(known), expected);
  }

  /** Returns the response to a token within one second; if the second changes, once more. */
  async function inOneSecond(name, shape) {
    const seconds = () => Math.floor(Date.now() / 1000);
    return waitFor("an answer within one second of the clock", async () => {
      const before = seconds();
      const answer = await me(name, bearer(shape.made(before)));
      return before === seconds() && answer;
    });
  }

  for (const name of ["pem", "jwks"]) {
    it(`J-1 J-2 J-9 J-10 J-11 J-18 of every shape gets its marked result (${name})`, async () => {
      const all = shapes();
      assert.equal(all.length, 37);
      const anonymous = comparable(await me(name));
      for (const shape of all) {
        // As in Clerk's SDK: a PEM is one key, and the key id in the token is ignored.
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
        // One response for all; the reason is only in the log.
        assert.deepEqual(comparable(answer), anonymous, shape.name);
        const reason = REFUSED[shape.name];
        if (reason === undefined) continue;
        const isLogged = () => known < reasons().length && reasons().at(-1) === reason;
        await waitFor(`${shape.name} is refused because ${reason}`, isLogged);
      }
    });

    it(`J-4 J-13 with an almost valid signature is rejected (${name})`, async () => {
      const anonymous = comparable(await me(name));
      const forged = Object.entries(FORGED);
      await refusedFor(forged.map(() => "invalid signature"), async () => {
        for (const [what, make] of forged) {
          assert.deepEqual(comparable(await me(name, bearer(make()))), anonymous, what);
        }
      });
    });
  }

  it("J-2 signed with our public key as an HMAC secret is rejected", async () => {
    const secrets = Object.entries(secretsOfPublicKey());
    for (const name of ["pem", "jwks"]) {
      const anonymous = comparable(await me(name));
      const why = Array(2 * secrets.length).fill("the algorithm is not RS256");
      await refusedFor(why, async () => {
        for (const [what, secret] of secrets) {
          const token = byHmac(secret);
          for (const headers of [bearer(token), { cookie: `__session=${token}` }]) {
            assert.deepEqual(comparable(await me(name, headers)), anonymous, what);
          }
        }
      });
    }
  });

  it("J-9 of another class is rejected, in the header and in a cookie", async () => {
    const own = SUFFIXED.session_cookie;
    const anonymous = comparable(await me("suffixed"));
    const reason = CLASSES.flatMap(([, why]) => Array(3).fill(why));
    await refusedFor(reason, async () => {
      for (const [header] of CLASSES) {
        const token = mint("user_2A", { header });
        const cookies = ["__session", own].map((name) => ({ cookie: `${name}=${token}` }));
        for (const headers of [bearer(token), ...cookies]) {
          const what = `${JSON.stringify(header)} ${Object.keys(headers)}`;
          assert.deepEqual(comparable(await me("suffixed", headers)), anonymous, what);
        }
      }
    });
    // A token without a class is a session token, as older ones are.
    for (const header of [{ typ: undefined }, { cat: undefined }, { cat: "cl_I7d4PD111III" }]) {
      const token = mint("user_2A", { header });
      assert.equal((await me("suffixed", bearer(token))).status, 200);
      assert.equal((await me("suffixed", { cookie: `${own}=${token}` })).status, 200);
    }
  });

  it("J-11 J-12 J-24 with extensions, duplicates or unused parts is rejected", async () => {
    const odd = {
      "unsupported critical header (crit or b64)": mint("user_1", { header: { crit: ["exp"] } }),
      "the token is too long": mint("user_1", { claims: { x: "x".repeat(8_192) } }),
      "missing or malformed sid": mint("user_1", { claims: { sid: undefined } }),
      "malformed claims": mint("user_1", { claims: { exp: undefined, nbf: null } }),
      "missing exp": mint("user_1", { claims: { exp: undefined } }),
      "missing azp": mint("user_1", { claims: { azp: undefined } }),
      "azp is not in AUTHORIZED_PARTIES": mint("user_1", { claims: { azp: "" } }),
      "the session is not active": mint("user_1", { claims: { sts: "resting" } }),
      "sub is not a user id": mint("user_1", { claims: { sub: "user_1/../user_2" } }),
    };
    await refusedFor(Object.keys(odd), async () => {
      for (const [why, token] of Object.entries(odd)) {
        assert.equal((await me("pem", bearer(token))).status, 401, why);
      }
    });
    const claims = claimsOf("user_2Big", { x: "x".repeat(5_000) });
    await isSession("pem", compact(HEADER, claims), claims);
  });

  it("J-23 S-17 is taken from the header, then from the cookies, by Clerk's rules", async () => {
    const own = SUFFIXED.session_cookie;
    const [a, a2, b] = ["user_2A", "user_2A", "user_2B"].map((sub) => claimsOf(sub));
    const [A, A2, B] = [a, a2, b].map((claims) => compact(HEADER, claims));
    const ownUat = SUFFIXED.client_uat_cookie;
    const uat = a.iat - 5;
    const old = compact(HEADER, { ...a, iat: a.iat - 1 });
    const theirs = compact(HEADER, { ...b, iss: "https://clerk.other.example" });
    const odd = compact(HEADER, { ...b, iss: 7 });
    const times = { iat: a.iat - 120, nbf: a.iat - 130, exp: a.iat - 60 };
    const [stale, staleB] = [a, b].map((claims) => compact(HEADER, { ...claims, ...times }));
    const cases = [
      [{ cookie: `__session=${A}` }, a],
      [{ cookie: `${own}=${A}` }, a],
      [{ cookie: `theme="dark; x"; ${own}=${A}` }, a],
      // The suffixed one if both have the same age and its time is known, otherwise the plain one.
      [{ cookie: `${own}=${A}; ${ownUat}=${uat}; __session=${A2}; __client_uat=${uat}` }, a],
      [{ cookie: `${own}=${A}; __session=${A2}` }, a2],
      [{ cookie: `${own}=${old}; ${ownUat}=${uat}; __session=${A2}; __client_uat=${uat}` }, a2],
      // Another instance on this domain has set the plain one.
      [{ cookie: `${own}=${A}; ${ownUat}=${uat}; __session=${theirs}` }, a],
      [{ cookie: `${own}=${A}; ${ownUat}=${uat}; __session=${odd}` }, a],
      [{ cookie: `__session=${theirs}` }, null],
      // The browser is signed out, or its sessions have changed since.
      [{ cookie: `__session=${A}; __client_uat=0` }, null],
      [{ cookie: `__session=${A}; __client_uat=${uat}` }, a],
      [{ cookie: `__session=${A}; __client_uat=${uat + 120}` }, null],
      [{ cookie: `${own}=${A}; ${ownUat}=0` }, null],
      [{ cookie: `${own}=${B}; ${ownUat}=0; __session=${A}; __client_uat=${uat}` }, a],
      // A value that is not a token does not hide the other pair.
      [{ cookie: `${own}=${A}; ${ownUat}=${uat}; __session=x.y.z` }, a],
      [{ cookie: "__session=x.y.z" }, null],
      [{ cookie: `${own}=; __session=${A}` }, a],
      [{ cookie: `__session=${A}; __session=${A}` }, a],
      [{ cookie: `__session_aaaaaaaa=${B}; __session=${A}` }, a],
      [{ cookie: `__session_aaaaaaaa=${A}` }, null],
      [{ cookie: `x__session=${A}; __SESSION=${A}; a=__session=${A}` }, null],
      [{ ...bearer(A), cookie: `__session=${A2}; ${own}=${A2}` }, a],
      [{ ...bearer(A2), cookie: `__session=${A}` }, a2],
      // Other authentication schemes.
      [{ authorization: "Basic YTpi", cookie: `__session=${A}` }, a],
      [{ authorization: `Token ${B}`, cookie: `__session=${A}` }, a],
      [{ authorization: `bearer ${B}`, cookie: `__session=${A}` }, a],
      // Without a scheme it counts if it has the form of a token, by the same rules.
      [{ authorization: A }, a],
      [{ authorization: A2, cookie: `__session=${A}` }, a2],
      [{ authorization: B, cookie: `__session=${A}` }, null],
      [{ authorization: "x.y.z", cookie: `__session=${A}` }, null],
      [{ authorization: "x.y", cookie: `__session=${A}` }, a],
      [{ authorization: `${A} x`, cookie: `__session=${A2}` }, a2],
      [{ authorization: [A, A] }, null],
      [{ authorization: "Basic YTpi" }, null],
      // There is no fallback from an invalid token.
      [{ ...bearer("x.y.z"), cookie: `__session=${A}` }, null],
      [{ cookie: `${own}=x.y.z` }, null],
      // Two users: a guess would show one user the other's page.
      [{ ...bearer(A), cookie: `__session=${B}` }, null],
      [{ ...bearer(A), cookie: `${own}=${B}` }, null],
      [{ cookie: `${own}=${A}; __session=${B}` }, null],
      [{ cookie: `${own}=${A}; ${ownUat}=${uat}; __session=${B}; __client_uat=${uat}` }, null],
      [{ cookie: `__session=${A}; __session=${B}` }, null],
      [{ cookie: `${own}=${A}; ${own}=${B}` }, null],
      [{ cookie: `${own}=${A}; __session=${A}; __session=${B}` }, null],
      // Duplicates of one user are judged one by one, and a time alone rejects nobody.
      [{ cookie: `__client_uat=0; __client_uat=${uat}; ${own}=${A}; ${ownUat}=${uat}` }, a],
      [{ cookie: `__session=${A}; __client_uat=${uat}; __client_uat=${uat - 7}` }, a],
      [{ cookie: `__session=${A}; __client_uat=${uat}; __client_uat=0` }, a],
      [{ cookie: `__session=${stale}; __session=${A}; __client_uat=${uat}` }, a],
      [{ cookie: `__session=${staleB}; __session=${A}; __client_uat=${uat}` }, a],
      [{ cookie: `__session=${stale}; __session=${A}; ${own}=${A2}; ${ownUat}=${uat}` }, a2],
      [{ cookie: `__session=x; __session=${A}` }, a],
      [{ cookie: `__session=${A}; __session=${A2}` }, a],
      [{ cookie: `__session=${stale}; __session=${staleB}` }, null],
      [{ ...bearer(A), cookie: `__session=${stale}; __session=${A2}; __client_uat=0` }, a],
      [{ ...bearer(A), cookie: `__session=${staleB}` }, a],
      [{ ...bearer(A), cookie: `__session=${B}; __client_uat=0` }, a],
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

  it("J-10 without azp is accepted only in a cookie, and only with the setting", async () => {
    const nameless = (claims) => mint("user_2A", { claims: { azp: undefined, ...claims } });
    const status = async (name, headers) => (await me(name, headers)).status;
    const byCookie = (token) => ({ cookie: `__session=${token}` });
    await refusedFor(Array(2).fill("missing azp"), async () => {
      assert.equal(await status("pem", byCookie(nameless())), 401);
      assert.equal(await status("takes-nameless", bearer(nameless())), 401);
    });
    assert.equal(await status("takes-nameless", byCookie(nameless())), 200);
    assert.equal(await status("takes-nameless", byCookie(mint("user_2A"))), 200);
    // All other checks still apply.
    const others = [
      { azp: "https://evil.example" }, { azp: "" }, { azp: null },
      { iss: "https://clerk.other.example" }, { iss: undefined }, { sid: undefined },
      { exp: Math.floor(Date.now() / 1000) - 60 },
    ];
    for (const claims of others) {
      const answer = await status("takes-nameless", byCookie(nameless(claims)));
      assert.equal(answer, 401, JSON.stringify(claims));
    }
  });

  it("J-4 is not verified with its own keys, and its URLs are not fetched", async () => {
    const [stranger, listener] = [makeKey(), await serveJwks()];
    answerWith(listener, { keys: [jwk(stranger)] });
    const chosen = [
      { jwk: jwk(stranger) }, { jku: listener.url }, { x5u: listener.url },
      { x5c: [stranger.publicKey.export({ type: "spki", format: "der" }).toString("base64")] },
      { jwk: jwk(stranger), jku: listener.url, kid: undefined }, { kid: listener.url },
    ];
    for (const name of ["pem", "jwks"]) {
      for (const header of chosen) {
        const token = mint("user_2Forger", { header, signer: stranger });
        assert.equal((await me(name, bearer(token))).status, 401, JSON.stringify(header));
      }
      // Beside the right key it is only ignored.
      const token = mint("user_2A", { header: { jku: listener.url, jwk: jwk(stranger) } });
      assert.equal((await me(name, bearer(token))).status, 200, name);
    }
    assert.equal(listener.hits, 0);
    await listener.close();
  });

  it("J-5 has a key id that is only looked up", async () => {
    const names = ["../../dev/null", "x' UNION SELECT '1';--", "|sleep 10", "%00", "__proto__"];
    for (const kid of [...names, "k".repeat(5_000)]) {
      const token = mint("user_2A", { header: { kid } });
      assert.equal((await me("jwks", bearer(token))).status, 401, kid.slice(0, 30));
    }
    for (const kid of [7, ["x"], {}, true]) {
      const token = mint("user_2A", { header: { kid } });
      for (const name of ["pem", "jwks"]) {
        assert.equal((await me(name, bearer(token))).status, 401, JSON.stringify(kid));
      }
    }
  });

  it("J-8 of another instance is rejected, even if its key is one of ours", async () => {
    const [own, other] = [{}, { iss: "https://clerk.other.example" }];
    for (const name of ["pem", "jwks"]) {
      const of = async (claims) => (await me(name, bearer(mint("user_2A", { claims })))).status;
      assert.deepEqual([await of(own), await of(other)], [200, 401], name);
    }
  });

  it("J-14 in another form is rejected: encrypted, nested, as JSON", async () => {
    const token = mint("user_2A");
    const [header, payload, signature] = token.split(".");
    const json = { payload, signatures: [{ protected: header, signature }] };
    const forms = [
      `${token}.${payload}.${signature}`, `${header}..${payload}.${signature}.x`,
      JSON.stringify(json), JSON.stringify({ ...json, protected: header, signature }),
      compact({ ...HEADER, cty: "JWT" }, token),
    ];
    for (const form of forms) {
      assert.equal((await me("pem", bearer(form))).status, 401, form.slice(0, 40));
    }
  });

  it("J-19 with two errors is reported with the wrong signature", async () => {
    const claims = { azp: "https://evil.example", exp: 1, iss: "x", sub: "mch_1" };
    const forged = mint("user_2A", { claims, signer: makeKey() });
    const anonymous = comparable(await me("pem"));
    await refusedFor(["invalid signature"], async () => {
      assert.deepEqual(comparable(await me("pem", bearer(forged))), anonymous);
    });
  });

  it("J-20 J-21 has one spelling, and each claim once", async () => {
    const token = mint("user_2A");
    const [header, payload, signature] = token.split(".");
    const spelled = [
      `${header}.${payload}.${signature}=`, `${header}=.${payload}.${signature}`,
      `${header}.${payload}.${signature.replaceAll("-", "+").replaceAll("_", "/")}+`,
      `${header}.${payload} .${signature}`, `${header}.${payload}.${signature}\t.`,
    ];
    for (const form of spelled) assert.equal((await me("pem", bearer(form))).status, 401, form);
    const twice = (name, value) => {
      const text = JSON.stringify(claimsOf("user_2A")).replace("{", `{"${name}":${value},`);
      const signed = `${part(HEADER)}.${Buffer.from(text).toString("base64url")}`;
      const signature = sign("sha256", Buffer.from(signed), key.privateKey);
      return `${signed}.${signature.toString("base64url")}`;
    };
    for (const name of ["sub", "exp", "azp", "iss", "sid", "sts"]) {
      assert.equal((await me("pem", bearer(twice(name, '"user_2B"')))).status, 401, name);
    }
    assert.equal((await me("pem", bearer(twice("unheard_of", "1")))).status, 200);
  });

  it("J-24 of any size gets the answer without a session", async () => {
    const anonymous = comparable(await me("suffixed"));
    const page = comparable(await ask("suffixed", "/dashboard", { headers: DOCUMENT }));
    const own = SUFFIXED.session_cookie;
    const long = [
      ".".repeat(1_000), "a.".repeat(1_000), `${"a".repeat(8_193)}.b.c`, "a".repeat(30_000),
    ];
    const cookies = [
      ...long.flatMap((token) => [`__session=${token}`, `${own}=${token}`]),
      "__session=\u00ff".repeat(2_000), ";=".repeat(16_000), "=;".repeat(16_000),
      "a=b; ".repeat(6_500), "__session;".repeat(3_000), `__client_uat=${"9".repeat(30_000)}`,
      `__clerk_handshake=${"a.".repeat(15_000)}`, `__clerk_redirect_count=${"9".repeat(30_000)}`,
    ];
    const all = [
      ...long.map((token) => bearer(token)), ...cookies.map((cookie) => ({ cookie })),
    ];
    for (const headers of all) {
      const what = JSON.stringify(headers).slice(0, 40);
      assert.deepEqual(comparable(await me("suffixed", headers)), anonymous, what);
      const document = { headers: { ...DOCUMENT, ...headers } };
      assert.deepEqual(comparable(await ask("suffixed", "/dashboard", document)), page, what);
    }
  });

  it("S-16 cannot be verified by a misconfigured Worker: 503 for every request", async () => {
    const good = mint("user_2A");
    for (const [name, [, mistake]] of Object.entries(CLOSED)) {
      for (const headers of [{}, bearer(good), DOCUMENT, { ...DOCUMENT, ...bearer(good) }]) {
        for (const path of GUARDED) {
          assert.equal((await ask(name, path, { headers })).status, 503, `${name} ${path}`);
        }
      }
      assert.equal((await ask(name, "/")).status, 200, name);
      const health = await ask(name, "/healthz");
      const { status, mistakes } = JSON.parse(health.text);
      assert.deepEqual([health.status, status], [503, "misconfigured"], name);
      assert.ok(mistakes.some((it) => it.includes(mistake)), `${name}: ${mistakes}`);
      await waitFor(`${name} is logged`, () => system.logs().includes(mistake));
    }
    // The other Workers, with the same token.
    for (const name of ["pem", ...Object.keys(OPEN)]) {
      assert.equal((await me(name, bearer(good))).status, 200, name);
      assert.equal((await ask(name, "/healthz")).status, 200, name);
    }
  });

  it("leads to the configured sign-in page", async () => {
    const lost = (name) => raw(name, "/dashboard", { headers: DOCUMENT });
    const elsewhere = await lost("sign-in-elsewhere");
    assert.equal(elsewhere.status, 302);
    // An external sign-in page gets an absolute URL, one of this site a path.
    const to = "https://accounts.example.com/in?theme=dark&redirect_url=";
    const back = encodeURIComponent(`${PARTY}/dashboard`);
    assert.equal(elsewhere.headers.get("location"), `${to}${back}`);
    for (const path of ["/dashboard?next=//evil.example", "/admin?a=%0d%0ax"]) {
      const headers = { ...DOCUMENT, ...EVIL };
      const { headers: told } = await raw("sign-in-elsewhere", path, { headers });
      const led = new URL(told.get("location"));
      assert.equal(led.origin, "https://accounts.example.com");
      assert.equal(led.searchParams.get("redirect_url"), `${PARTY}${path}`);
    }
    assert.equal((await lost("sign-in-nowhere")).status, 503);
    assert.equal((await me("sign-in-nowhere")).status, 401);
    assert.equal((await me("sign-in-nowhere", bearer(mint("user_2A")))).status, 200);
    assert.equal((await ask("without-a-frontend", "/sign-in")).status, 503);
    assert.equal((await lost("without-a-frontend")).status, 302);
  });

  it("gets pages without a sign-out form if its URL is missing or invalid", async () => {
    for (const name of ["pem", "sign-out-nowhere"]) {
      const page = await ask(name, "/dashboard", { headers: bearer(mint("user_2A")) });
      assert.deepEqual([page.status, page.text.includes("<form")], [200, false], name);
    }
    await waitFor("it is logged", () => system.logs().includes("SIGN_OUT_URL is neither an https URL"));
    const { status, text } = await ask("sign-out-nowhere", "/healthz");
    assert.deepEqual([status, text.includes("SIGN_OUT_URL")], [503, true]);
  });

  it("S-16 gets 503 if the roles are unavailable", async () => {
    for (const path of GUARDED) {
      const answer = await ask("unbound", path, { headers: bearer(mint("user_2A")) });
      assert.equal(answer.status, 503, path);
    }
  });

  it("S-4 S-7 S-8 gets 404 for other spellings of a path, and leads to no other site", async () => {
    const session = bearer(mint("user_2A"));
    for (const path of ODD_PATHS) {
      for (const headers of [{}, DOCUMENT, session, { ...DOCUMENT, ...session }]) {
        assert.equal((await ask("pem", path, { headers })).status, 404, path);
      }
    }
    // The runtime resolves these before the Worker gets them, so they are the plain path.
    for (const path of ["/x/../dashboard", "/./dashboard"]) {
      const answer = await ask("pem", path, { headers: DOCUMENT });
      assert.equal(answer.status, 302, path);
      assert.equal(returnPath(answer.headers.get("location")), "/dashboard");
    }
    // The runtime may reject these itself; the answer contains no personal data.
    for (const path of ["http://evil.example/dashboard", "\\dashboard", "dashboard"]) {
      const answer = await raw("pem", path, { headers: { ...DOCUMENT, ...session } });
      assert.ok(400 <= answer.status, path);
      assert.equal(answer.headers.get("location"), null, path);
      assert.doesNotMatch(answer.text, /user_2A/, path);
    }
  });

  it("S-4 gets no page that a cache could take for a static file", async () => {
    const session = bearer(mint("user_2A"));
    for (const place of PERSONAL_PATHS) {
      for (const path of likeFiles(place)) {
        for (const headers of [{}, { ...DOCUMENT, ...session }]) {
          // `ask` checks that no response may be cached.
          const { status, text } = await ask("pem", path, { headers });
          // An organization id may contain a dot: then it is another organization, and denied.
          const isOther = /^\/orgs\/org_1\.\w+$/.test(path);
          const expected = isOther ? [401, 403] : [404];
          assert.ok(expected.includes(status), `${status} ${path}`);
          assert.ok(!text.includes("user_2A"), path);
        }
      }
      for (const query of ["?x.css", "?.css", "?/x.css", "?x=y.js", "?;x.js", "?%00.css"]) {
        const path = `${place}${query}`;
        const nobody = await ask("pem", path);
        assert.equal(nobody.status, 401, path);
        const { status } = await ask("pem", path, { headers: { ...DOCUMENT, ...session } });
        // The page itself, or an error for unknown parameters.
        const expected = place.startsWith("/api/") ? [400] : [200, 403];
        assert.ok(expected.includes(status), `${status} ${path}`);
      }
    }
  });

  it("S-5 J-17 is not redirected by hosts or URLs in headers", async () => {
    const signIn = "/sign-in?redirect_url=/dashboard";
    for (const path of ["/", "/dashboard", "/sign-in", signIn, "/nothing"]) {
      for (const session of [{}, bearer(mint("user_2A"))]) {
        const headers = { ...DOCUMENT, ...session };
        const plain = await ask("pem", path, { headers });
        const led = await ask("pem", path, { headers: { ...headers, ...EVIL } });
        assert.deepEqual(comparable(led), comparable(plain), path);
      }
    }
    const { text } = await ask("pem", signIn, { headers: EVIL });
    assert.ok(text.includes(encodeURIComponent(`${PARTY}/dashboard`)));
  });

  it("S-9 S-11 can only read: every other method is rejected without a redirect", async () => {
    const headers = { ...DOCUMENT, "x-http-method-override": "GET" };
    const session = bearer(mint("user_2A"));
    for (const method of METHODS) {
      const status = async (path, more = {}) =>
        (await ask("pem", path, { method, headers: { ...headers, ...more } })).status;
      for (const path of [...PUBLIC_ROUTES, ...GUARDED]) {
        // The guard comes first.
        const known = WITH_ROLE.includes(path) ? 403 : 405;
        assert.equal(await status(path, session), known, `${method} ${path}`);
        // A missing session comes first, without a redirect.
        const nobody = GUARDED.includes(path) ? 401 : 405;
        assert.equal(await status(path), nobody, `${method} ${path} as nobody`);
      }
      assert.equal(await status("/nothing", session), 404, method);
    }
  });

  it("S-11 is not used by forms and scripts of other sites", async () => {
    const token = mint("user_2A");
    const evil = { origin: "https://evil.example", referer: "https://evil.example/" };
    const cross = { ...evil, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    const own = { origin: PARTY, "sec-fetch-site": "same-origin" };
    const form = "application/x-www-form-urlencoded";
    const types = [form, "multipart/form-data; boundary=x", "text/plain", "application/json", ""];
    const none = { "sec-fetch-site": "none" };
    const senders = [cross, evil, { ...cross, origin: "null" }, none, own, {}];
    for (const type of types) {
      for (const sender of senders) {
        const headers = { ...DOCUMENT, ...sender, ...(type && { "content-type": type }) };
        const status = async (path, more = {}) =>
          (await ask("pem", path, { method: "POST", headers: { ...headers, ...more } })).status;
        const what = JSON.stringify(headers);
        for (const path of GUARDED) {
          assert.equal(await status(path), 401, `${path} ${what}`);
          const signed = await status(path, { cookie: `__session=${token}` });
          const known = WITH_ROLE.includes(path) ? 403 : 405;
          assert.equal(signed, known, `${path} ${what}`);
        }
        for (const path of ["/", "/sign-in"]) assert.equal(await status(path), 405, what);
      }
    }
  });

  it("F-18 J-2 is not verified with public test keys or with keys for other uses", async () => {
    // Signed long ago with the key of Clerk's own tests: if accepted, the reason would differ.
    const [{ token }] = JSON.parse(fixture("derived-session-tokens.json")).cases;
    const kids = ["ins_2Weak", "ins_2Encrypts", "ins_2Wraps", undefined];
    const unknown = [token, ...kids.map((kid) => mint("user_2A", { header: { kid } }))];
    const why = unknown.map(() => "unknown key id (kid)").with(-1, "missing key id (kid)");
    await refusedFor(why, async () => {
      for (const one of unknown) assert.equal((await me("mixed", bearer(one))).status, 401);
    });
    assert.equal((await me("mixed", bearer(mint("user_2A")))).status, 200);
  });

  describe("F-18 verified with a JWKS", { concurrency: true }, () => {
    const mine = () => bearer(mint("user_2A"));
    const named = (kid) => bearer(mint("user_2A", { header: { kid } }));
    const unknown = () => named(`ins_${randomUUID()}`);
    const status = async (name, headers) => (await me(name, headers)).status;

    it("J-6 many unknown keys cause one fetch, or two if they take long", async () => {
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

    it("a rotated key is found, and the old one removed, with one fetch", async () => {
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

    it("S-16 cached keys are used while the JWKS is unavailable", async () => {
      assert.equal(await status("warm", mine()), 200);
      servers.warm.answer = fail;
      const asked = async () => {
        assert.equal(await status("warm", unknown()), 401);
        return servers.warm.hits === 2;
      };
      await waitFor("it was asked in vain", asked);
      assert.equal(await status("warm", mine()), 200);
    });

    it("the issuer alone gives the JWKS URL", async () => {
      const iss = originOf(servers.issuers);
      const claims = { iss };
      assert.equal(await status("by-issuer", bearer(mint("user_2A", { claims }))), 200);
      assert.equal(await status("by-issuer", mine()), 401);
      assert.equal(servers.issuers.hits, 1);
    });

    it("an endless JWKS is not read to the end", async () => {
      for (const name of ["announced", "endless"]) assert.equal(await status(name, mine()), 503);
      await waitFor("it is logged", () => system.logs().split("body too large").length > 2);
      assert.ok(servers.endless.sent < ENDLESS_BYTES / 4, `${servers.endless.sent} bytes`);
    });

    const unusable = [
      "down", "gone", "garbled", "empty", "large", "moved", "silent", "announced", "endless",
    ];
    for (const name of [...unusable, "ambiguous", "published"]) {
      it(`S-16 while the JWKS is ${name} the answer is 503, and afterwards it works`, async () => {
        assert.equal(await status(name, mine()), 503);
        assert.equal(await status(name, unknown()), 503);
        const page = await ask(name, "/dashboard", { headers: { ...DOCUMENT, ...mine() } });
        assert.equal(page.status, 503);
        assert.match(page.headers.get("content-type"), /^text\/html/);
        // Each 503 has its reason in the log.
        const why = "no JWKS cached, and the last fetch failed moments ago";
        await waitFor("it is logged", () => system.logs().includes(`"cause":"${why}"`));
        // Without a token no key is needed: 401.
        assert.equal(await status(name), 401);
        if (name === "moved") assert.equal(servers[name].moved, undefined, "no redirect followed");
        answerWith(servers[name], { keys: [jwk(key)] });
        await waitFor("it serves again", async () => (await status(name, mine())) === 200);
      });
    }
  });

  it("leaves no token in the log", async () => {
    const [token, cookie] = [mint("user_2Logged"), mint("user_2Logged")];
    const query = "q=query-canary";
    const both = { ...bearer(token), cookie: `__session=${cookie}; c=cookie-canary` };
    await ask("pem", `/dashboard?${query}`, { headers: both });
    await ask("pem", `/dashboard?${query}`, { headers: bearer(`${token}x`) });
    await ask("pem", `/dashboard?${query}`, { headers: DOCUMENT });
    await waitFor("it is logged", () => /session token rejected/.test(system.logs()));
    assert.doesNotMatch(system.logs(), /eyJ|bearer|__session|canary/i);
  });
});
