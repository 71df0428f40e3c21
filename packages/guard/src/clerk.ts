// Who is signed in, from what Clerk's own SDK says. Structural, so that no version is needed.

import { isUserId } from "./id.ts";

/**
 * The part of Clerk's auth object that is read: what `(await authenticateRequest(…)).toAuth()` of
 * `@clerk/backend` gives, and `await getAuth(…)` of its sisters for React Router, Remix and others.
 */
export interface ClerkAuth {
  /** Absent before the SDK knew machine tokens. */
  readonly tokenType?: string | null | undefined;
  /** Absent in older SDKs. */
  readonly isAuthenticated?: boolean | undefined;
  readonly userId?: string | null | undefined;
  readonly sessionId?: string | null | undefined;
  /** Absent or null where the token does not say. */
  readonly sessionStatus?: string | null | undefined;
  /** Who acts as the user. */
  readonly actor?: object | null | undefined;
}

/**
 * The user of a session, or `null` for whoever is signed out.
 *
 * Only sessions count: an API key, an OAuth or a machine token is nobody, though it may name a
 * user; neither is a token made from a JWT template, which outlives its session. A session with
 * tasks pending counts as signed out, whatever `treatPendingAsSignedOut` says.
 */
export function userIdFrom(auth: ClerkAuth | null | undefined): string | null {
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
 * Whether somebody else acts as the user, a colleague in support for instance. Tell the guards, as
 * `impersonated`, and say so on every page.
 */
export function isImpersonated(auth: ClerkAuth | null | undefined): boolean {
  return auth?.actor !== undefined && auth.actor !== null;
}
