// Duplicate cookies, cookies of other frameworks, and `Authorization` headers of other schemes.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import type { SessionHandler } from "../src/session/index.ts";
import { backend } from "./backend.ts";
import {
  ADA,
  Browser,
  DEVELOPMENT,
  MALLORY,
  OPTIONS,
  SCRIPT,
  cookieOf,
  expired,
  handshakeResult,
  now,
  otherKey,
  suffixOf,
  token,
} from "./clerk-support.ts";

const suffix = await suffixOf(OPTIONS);
const [PLAIN, SINCE] = ["__session", "__client_uat"];
const [SUFFIXED, SUFFIXED_SINCE] = [`__session_${suffix}`, `__client_uat_${suffix}`];

/** A React Router session, which has the same cookie name. */
const REMIX = "eyJ1c2VyIjoxfQ%3D%3D.c2ln";

const requires: SessionHandler = (found) => new Response(found.requireViewer().userId);

type Pairs = readonly (readonly [string, string | number])[];

async function opens(pairs: Pairs, headers: Record<string, string> = {}): Promise<string> {
  const init = { headers: { cookie: cookieOf(pairs), ...headers } };
  const response = await new Browser().open("/a", requires, init);
  if (response.status === 200) return response.text();
  const reason = new URL(response.headers.get("location") ?? "", "https://here.invalid");
  return `${response.status} ${reason.searchParams.get("__clerk_hs_reason") ?? ""}`.trim();
}

const good = (claims: object = {}) => token(ADA, claims);
const forged = (claims: object = {}) => token(MALLORY, { iat: now() + 1, ...claims }, otherKey);
const over = () => token(ADA, expired());
const since = () => now() - 1_000;

beforeEach(() => {
  backend.asked.length = 0;
  backend.answer = () => new Response("not there", { status: 404 });
});

describe("session cookies", () => {
  const rows: [string, () => Pairs, string][] = [
    ["beside another framework's", () => [
      [PLAIN, REMIX], [SINCE, since()], [SUFFIXED, good()], [SUFFIXED_SINCE, since()],
    ], ADA],
    ["beside another framework's, without a plain time", () => [
      [PLAIN, REMIX], [SUFFIXED, good()], [SUFFIXED_SINCE, since()],
    ], ADA],
    ["beside another framework's in the same cookie name", () => [
      [PLAIN, REMIX], [PLAIN, good()], [SINCE, since()],
    ], ADA],
    ["after junk", () => [[PLAIN, "junk"], [PLAIN, good()], [SINCE, since()]], ADA],
    ["after a forged one", () => [[PLAIN, forged()], [PLAIN, good()], [SINCE, since()]], ADA],
    ["after a forged one that claims to be old", () => [
      [PLAIN, forged({ iat: 1 })], [PLAIN, good()], [SINCE, since()],
    ], ADA],
    ["after a forged one that has expired", () => [
      [PLAIN, forged(expired())], [PLAIN, good()], [SINCE, since()],
    ], ADA],
    ["after another instance's", () => [
      [PLAIN, token(MALLORY, { iss: "https://clerk.other.example" }, otherKey)],
      [PLAIN, good()],
      [SINCE, since()],
    ], ADA],
    ["after a forged suffixed one, in the plain pair", () => [
      [SUFFIXED, forged()], [SUFFIXED, good()], [SUFFIXED_SINCE, since()],
      [PLAIN, good()], [SINCE, since()],
    ], ADA],
    ["in the plain pair alone, beside a forged suffixed one", () => [
      [SUFFIXED, forged()], [SUFFIXED_SINCE, since()], [PLAIN, good()], [SINCE, since()],
    ], ADA],
    ["in the plain pair alone, beside a forged suffixed one older than its time", () => [
      [SUFFIXED, forged()], [SUFFIXED_SINCE, now() + 9], [PLAIN, good()], [SINCE, since()],
    ], ADA],
    ["with a second time that is 0", () => [
      [PLAIN, good()], [SINCE, 0], [SINCE, since()],
    ], ADA],
    ["with a second time that is later", () => [
      [PLAIN, good()], [SINCE, now() + 9_999], [SINCE, since()],
    ], ADA],
    ["with a second suffixed time that is 0", () => [
      [SUFFIXED, good()], [SUFFIXED_SINCE, 0], [SUFFIXED_SINCE, since()],
    ], ADA],
    ["with the time of the other pair", () => [
      [PLAIN, good()], [SUFFIXED_SINCE, since()],
    ], ADA],
    ["with the plain time beside the suffixed token", () => [
      [SUFFIXED, good()], [SINCE, since()],
    ], ADA],
    ["after six forged ones", () => [
      ...[1, 2, 3, 4, 5, 6].map((jti) => [PLAIN, forged({ jti })] as const),
      [PLAIN, good()],
      [SINCE, since()],
    ], ADA],
    ["after forty forged ones that are older", () => [
      ...Array.from({ length: 40 }, (_, jti) => [PLAIN, forged({ jti, iat: now() - 9 })] as const),
      [PLAIN, good()],
      [SINCE, since()],
    ], ADA],
    ["after a forged one, and junk of the suffixed name", () => [
      ...Array.from({ length: 9 }, (_, jti) => [SUFFIXED, `junk${jti}`] as const),
      [SUFFIXED_SINCE, since()], [PLAIN, forged()], [PLAIN, good()], [SINCE, since()],
    ], ADA],
    // More candidates only take time.
    ["after forty forged ones", () => [
      ...Array.from({ length: 40 }, (_, jti) => [PLAIN, forged({ jti })] as const),
      [PLAIN, good()],
      [SINCE, since()],
    ], "302"],
    ["that have expired beside another framework's", () => [
      [PLAIN, REMIX], [SINCE, since()], [SUFFIXED, over()], [SUFFIXED_SINCE, since()],
    ], "307 session-token-expired-refresh-non-eligible-no-refresh-cookie"],
    ["that have expired after a forged one", () => [
      [PLAIN, forged()], [PLAIN, over()], [SINCE, since()],
    ], "307 session-token-expired-refresh-non-eligible-no-refresh-cookie"],
    ["that have expired before a forged one", () => [
      [PLAIN, over()], [PLAIN, forged({ iat: now() - 500 })], [SINCE, since()],
    ], "307 session-token-expired-refresh-non-eligible-no-refresh-cookie"],
    ["without any time", () => [[SUFFIXED, good()]], "307 session-token-but-no-client-uat"],
    ["of two users in one name", () => [
      [PLAIN, good()], [PLAIN, token(MALLORY)], [SINCE, since()],
    ], "401"],
    ["of two users after a forged one", () => [
      [PLAIN, forged()], [PLAIN, good()], [SUFFIXED, token(MALLORY)], [SUFFIXED_SINCE, since()],
      [SINCE, since()],
    ], "401"],
  ];
  for (const [what, pairs, want] of rows) {
    it(`${what}: ${want}`, async () => assert.equal(await opens(pairs()), want));
  }

  // The pair that counts is decisive: a leftover of the other pair is not used.
  const settled: [string, () => Pairs, string][] = [
    ["that say signed out", () => [
      [SUFFIXED_SINCE, 0], [SINCE, 0], [PLAIN, good()],
    ], "302"],
    ["of a signed-out browser, beside another framework's", () => [
      [PLAIN, REMIX], [SINCE, 0], [SUFFIXED_SINCE, 0],
    ], "302"],
    ["that are another framework's alone", () => [[PLAIN, REMIX]], "302"],
    ["that are another framework's, with a time", () => [
      [PLAIN, REMIX], [SINCE, since()],
    ], "302"],
    ["that changed since the token was made", () => [
      [SUFFIXED, good()], [SUFFIXED_SINCE, now() + 9],
      [PLAIN, good({ iat: now() - 5 })], [SINCE, since()],
    ], "307 session-token-iat-before-client-uat"],
    ["with a plain token and a suffixed time of 0", () => [
      [PLAIN, good()], [SUFFIXED_SINCE, 0],
    ], "307 session-token-but-no-client-uat"],
    ["with a token and a time of 0", () => [
      [PLAIN, good()], [SINCE, 0],
    ], "307 session-token-but-no-client-uat"],
  ];
  for (const [what, pairs, want] of settled) {
    it(`${what}: ${want}`, async () => assert.equal(await opens(pairs()), want));
  }

  it("are refreshed once, and never if one is valid", async () => {
    const refresh = [`__refresh_${suffix}`, "r"] as const;
    const three = [over(), over(), over()].map((one) => [PLAIN, one] as const);
    const cookies = [`__session=${good()}; Path=/`, `__client_uat=${since()}; Path=/`];
    backend.answer = () => Response.json({ object: "cookies", cookies });
    assert.equal(await opens([refresh, ...three, [SINCE, since()]]), ADA);
    assert.equal(backend.asked.length, 1);
    assert.equal(await opens([refresh, ...three, [PLAIN, good()], [SINCE, since()]]), ADA);
    assert.equal(backend.asked.length, 1);
  });

  it("exchange a nonce only once", async () => {
    backend.answer = () => Response.json({ directives: [`${SINCE}=0; Path=/`] });
    const tied = ["__Host-rolecall_asked", "1-2"] as const;
    const pairs = [tied, [PLAIN, forged()], [PLAIN, over()], [SINCE, since()]] as const;
    const path = "/a?rolecall_asked=1-2&__clerk_handshake_nonce=n";
    await new Browser().open(path, requires, { headers: { cookie: cookieOf(pairs) } });
    assert.equal(backend.asked.length, 1);
  });

  it("that are valid beside a forged one are not replaced by a handshake", async () => {
    const tied = ["__Host-rolecall_asked", "1-2"] as const;
    const pairs = [tied, [PLAIN, forged()], [PLAIN, good()], [SINCE, since()]] as const;
    const path = `/a?rolecall_asked=1-2&__clerk_handshake=${handshakeResult(MALLORY)}`;
    const headers = { cookie: cookieOf(pairs) };
    const response = await new Browser().open(path, requires, { headers });
    assert.deepEqual([response.status, response.headers.get("location")], [307, "/a"]);
    const set = response.headers.getSetCookie().filter((line) => line.startsWith("__session"));
    assert.deepEqual(set, []);
  });

  it("of a development instance may be duplicated too", async () => {
    const own = await suffixOf(DEVELOPMENT);
    const pairs: Pairs = [
      ["__clerk_db_jwt", "dvb_1"], [`__clerk_db_jwt_${own}`, "dvb_1"],
      [PLAIN, REMIX], [SINCE, since()],
      [`__session_${own}`, forged()], [`__session_${own}`, good()],
      [`__client_uat_${own}`, 0], [`__client_uat_${own}`, since()],
    ];
    const init = { headers: { cookie: cookieOf(pairs) }, options: DEVELOPMENT };
    const response = await new Browser().open("/a", requires, init);
    assert.deepEqual([response.status, await response.text()], [200, ADA]);
  });
});

describe("the header Authorization", () => {
  const headers = () => ["", "Basic dXNlcjpwdw==", `bearer ${token(MALLORY)}`, "Digest a=1, b=2"];

  it("of another scheme leaves the cookies in effect", async () => {
    for (const authorization of headers()) {
      const ask = (pairs: Pairs) => opens(pairs, { authorization });
      assert.equal(await ask([[PLAIN, good()], [SINCE, since()]]), ADA, authorization);
      assert.match(await ask([[PLAIN, over()], [SINCE, since()]]), /^307 session-token-expired/);
      const two = [[PLAIN, good()], [SINCE, since()], ["__session_x", token(MALLORY)]] as const;
      assert.equal(await ask(two), "401", authorization);
    }
  });

  it("of another scheme lets a script renew", async () => {
    const authorization = "Basic dXNlcjpwdw==";
    const headers = { ...SCRIPT, authorization, cookie: cookieOf([[PLAIN, over()], [SINCE, 1]]) };
    const response = await new Browser().open("/a", requires, { headers });
    assert.deepEqual(await response.json(), { error: "unauthenticated", renew: true });
  });

  it("with a token, alone or with Bearer, replaces the cookies", async () => {
    const cookies: Pairs = [[PLAIN, token(MALLORY)], [SINCE, since()]];
    for (const authorization of [`Bearer ${good()}`, good(), `Bearer ${good()} x`]) {
      assert.equal(await opens(cookies, { authorization }), ADA, authorization);
    }
    for (const authorization of ["Bearer", "Bearer x", "Basic", `Bearer ${over()}`]) {
      assert.equal(await opens(cookies, { authorization }), "302", authorization);
    }
  });
});

describe("a token of this instance's key", () => {
  it("is accepted without an issuer, and with another one except in the plain cookie", async () => {
    const other = { iss: "https://clerk.other.example" };
    for (const [claims, plain] of [[{ iss: undefined }, ADA], [other, "302"]] as const) {
      const cookie = good(claims);
      assert.equal(await opens([[PLAIN, cookie], [SINCE, since()]]), plain);
      assert.equal(await opens([[SUFFIXED, cookie], [SUFFIXED_SINCE, since()]]), ADA);
      assert.equal(await opens([], { authorization: `Bearer ${cookie}` }), ADA);
    }
  });
});
