// Who is signed in, from auth objects of the shapes that Clerk's SDKs give.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isImpersonated, userIdFrom } from "../src/index.ts";
import { USER } from "./support.ts";

/** As `@clerk/backend` 3.25 gives it, functions left out. */
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

/** As the versions before machine tokens give it. */
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
  return Reflect.apply(userIdFrom, undefined, [auth]);
}

describe("the user's id", () => {
  it("is that of a session", () => {
    assert.equal(userIdFrom(SIGNED_IN), USER);
    assert.equal(userIdFrom(OLDER), USER);
    assert.equal(userIdFrom({ ...SIGNED_IN, sessionStatus: null }), USER);
    assert.equal(userIdFrom({ ...SIGNED_IN, actor: { sub: "user_other" } }), USER);
  });

  it("is nobody's when signed out, or while a handshake is under way", () => {
    for (const auth of [SIGNED_OUT, null, undefined, { ...SIGNED_IN, isAuthenticated: false }]) {
      assert.equal(userIdFrom(auth), null);
    }
  });

  it("is nobody's while a session has tasks pending, or has a status of another kind", () => {
    for (const sessionStatus of ["pending", "revoked", "", 7, {}]) {
      assert.equal(userIdOf({ ...SIGNED_IN, sessionStatus }), null, String(sessionStatus));
    }
  });

  it("is nobody's for a machine, though its token names a user", () => {
    for (const tokenType of ["api_key", "oauth_token", "m2m_token", "", null, "session", 7]) {
      assert.equal(userIdOf({ ...SIGNED_IN, tokenType }), null, String(tokenType));
    }
    const machine = { id: "ak_1", subject: USER, scopes: [], isAuthenticated: true };
    assert.equal(userIdFrom({ ...machine, tokenType: "api_key", userId: USER }), null);
    assert.equal(userIdFrom({ isAuthenticated: false, tokenType: null }), null);
  });

  it("is nobody's without a session, as with a token of a JWT template", () => {
    for (const sessionId of [undefined, null, "", 7]) {
      assert.equal(userIdOf({ ...OLDER, sessionId }), null);
      assert.equal(userIdOf({ ...SIGNED_IN, sessionId }), null);
    }
  });

  it("is nobody's when it is no user's id", () => {
    for (const userId of [undefined, null, "", "mch_1", "user_", "user_ü", 7, [USER]]) {
      assert.equal(userIdOf({ ...SIGNED_IN, userId }), null);
    }
  });

  it("is nobody's in anything else", () => {
    for (const odd of ["", USER, 7, true, [], () => SIGNED_IN, Promise.resolve(SIGNED_IN)]) {
      assert.equal(userIdOf(odd), null);
    }
    for (const isAuthenticated of ["true", 1, null]) {
      assert.equal(userIdOf({ ...SIGNED_IN, isAuthenticated }), null);
    }
  });
});

describe("an impersonated session", () => {
  it("is told by its actor", () => {
    assert.equal(isImpersonated({ ...SIGNED_IN, actor: { sub: "user_other" } }), true);
    assert.equal(isImpersonated({ ...SIGNED_IN, actor: {} }), true);
    for (const auth of [SIGNED_IN, { ...SIGNED_IN, actor: null }, SIGNED_OUT, null, undefined]) {
      assert.equal(isImpersonated(auth), false);
    }
  });
});
