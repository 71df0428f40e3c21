// Reads the auth object of Clerk's SDK. The type is structural, so no SDK version is required.

import { isUserId } from "./id.ts";

/**
 * The part of Clerk's auth object that is read. `(await authenticateRequest(…)).toAuth()` of
 * `@clerk/backend` returns one; `await getAuth(…)` of `@clerk/react-router`, `@clerk/remix` and
 * others does too.
 */
export interface ClerkAuth {
  /** Absent in SDKs older than machine tokens. */
  readonly tokenType?: string | null | undefined;
  /** Absent in older SDKs. */
  readonly isAuthenticated?: boolean | undefined;
  readonly userId?: string | null | undefined;
  readonly sessionId?: string | null | undefined;
  /** Absent or null if the token has no status. */
  readonly sessionStatus?: string | null | undefined;
  /** The impersonator. */
  readonly actor?: object | null | undefined;
}

/**
 * Returns the user of a session, or `null` if nobody is signed in.
 *
 * Only sessions count. API keys, OAuth tokens and machine tokens give `null`, even if they have a
 * user id. A token made from a JWT template gives `null` too, because it outlives its session. So
 * does a session with pending tasks, whatever `treatPendingAsSignedOut` says.
 */
export function getUserId(auth: ClerkAuth | null | undefined): string | null {
  if (typeof auth !== "object" || auth === null) return null;
  const { tokenType, isAuthenticated, userId, sessionId, sessionStatus } = auth;
  const isSession = tokenType === undefined || tokenType === "session_token";
  const isSignedIn = isAuthenticated === undefined || isAuthenticated === true;
  const isActive =
    sessionStatus === undefined || sessionStatus === null || sessionStatus === "active";
  const hasSession = typeof sessionId === "string" && sessionId !== "";
  if (!isSession || !isSignedIn || !isActive || !hasSession) return null;
  return isUserId(userId) ? userId : null;
}

/**
 * Returns whether somebody else acts as the user, for example a support agent. Pass the result to
 * the guards as `impersonated`, and show it on every page.
 */
export function isImpersonated(auth: ClerkAuth | null | undefined): boolean {
  return auth?.actor !== undefined && auth.actor !== null;
}
