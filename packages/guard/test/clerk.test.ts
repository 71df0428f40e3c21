// Reads auth objects of the shapes that Clerk's SDKs return.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { getUserId, isImpersonated } from "../src/index.ts";
import { USER } from "./support.ts";

/** As `@clerk/backend` 3.25 returns it, without functions. */
const SIGNED_IN = {
  tokenType: "session_token",
  isAuthenticated: true,
  userId: USER,
  sessionId: "sess_2vX11zP5ojq7cTRY58xT6oJaaaa",
  sessionStatus: "active",
  sessionClaims: { sub: USER },
  actor: undefined,
  orgId: null,
};

/** As versions older than machine tokens return it. */
const OLDER = { userId: USER, sessionId: "sess_2vX11zP5ojq7cTRY58xT6oJaaaa", actor: undefined };

const SIGNED_OUT = {
  tokenType: "session_token",
  isAuthenticated: false,
  userId: null,
  sessionId: null,
  sessionStatus: null,
  actor: null,
};

function userIdOf(auth: unknown): unknown {
  return Reflect.apply(getUserId, undefined, [auth]);
}

describe("getUserId", () => {
  it("returns the user of a session", () => {
    assert.equal(getUserId(SIGNED_IN), USER);
    assert.equal(getUserId(OLDER), USER);
    assert.equal(getUserId({ ...SIGNED_IN, sessionStatus: null }), USER);
    assert.equal(getUserId({ ...SIGNED_IN, actor: { sub: "user_other" } }), USER);
  });

  it("returns null if signed out or during a handshake", () => {
    for (const auth of [SIGNED_OUT, null, undefined, { ...SIGNED_IN, isAuthenticated: false }]) {
      assert.equal(getUserId(auth), null);
    }
  });

  it("returns null for a session that is pending or has an unknown status", () => {
    for (const sessionStatus of ["pending", "revoked", "", 7, {}]) {
      assert.equal(userIdOf({ ...SIGNED_IN, sessionStatus }), null, String(sessionStatus));
    }
  });

  it("returns null for machine tokens, even with a user id", () => {
    for (const tokenType of ["api_key", "oauth_token", "m2m_token", "", null, "session", 7]) {
      assert.equal(userIdOf({ ...SIGNED_IN, tokenType }), null, String(tokenType));
    }
    const machine = { id: "ak_1", subject: USER, scopes: [], isAuthenticated: true };
    assert.equal(getUserId({ ...machine, tokenType: "api_key", userId: USER }), null);
    assert.equal(getUserId({ isAuthenticated: false, tokenType: null }), null);
  });

  it("returns null without a session id, as in JWT template tokens", () => {
    for (const sessionId of [undefined, null, "", 7]) {
      assert.equal(userIdOf({ ...OLDER, sessionId }), null);
      assert.equal(userIdOf({ ...SIGNED_IN, sessionId }), null);
    }
  });

  it("returns null for an invalid user id", () => {
    for (const userId of [undefined, null, "", "mch_1", "user_", "user_ü", 7, [USER]]) {
      assert.equal(userIdOf({ ...SIGNED_IN, userId }), null);
    }
  });

  it("returns null for other values", () => {
    for (const odd of ["", USER, 7, true, [], () => SIGNED_IN, Promise.resolve(SIGNED_IN)]) {
      assert.equal(userIdOf(odd), null);
    }
    for (const isAuthenticated of ["true", 1, null]) {
      assert.equal(userIdOf({ ...SIGNED_IN, isAuthenticated }), null);
    }
  });
});

describe("isImpersonated", () => {
  it("returns whether the session has an actor", () => {
    assert.equal(isImpersonated({ ...SIGNED_IN, actor: { sub: "user_other" } }), true);
    assert.equal(isImpersonated({ ...SIGNED_IN, actor: {} }), true);
    for (const auth of [SIGNED_IN, { ...SIGNED_IN, actor: null }, SIGNED_OUT, null, undefined]) {
      assert.equal(isImpersonated(auth), false);
    }
  });
});
