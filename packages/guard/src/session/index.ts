// `@rolecall/guard/clerk`: sessions with Clerk's own SDK, `@clerk/backend`. Read in this order:
//
//     clerk-sessions.ts     serves a request: redirects to Clerk, or calls the app's handler
//     session.ts            one session: who is signed in, and the responses if nobody is
//     session-finder.ts     which cookies are verified; candidates.ts: in which order
//     verifier.ts           calls the SDK; other-users.ts: tokens of a second user
//     incoming-request.ts   the request; cookies.ts, redirect-path.ts: its cookies and its URL
//     unverified-claims.ts  claims without verification; clerk-instance.ts: the instance
//
// The SDK verifies. This module adds two checks: a handshake result counts only in the browser that
// was redirected for it, and it never replaces a valid session.

export type { ClerkSessionsOptions, SessionHandler } from "./clerk-sessions.ts";
export { ClerkSessions, createClerkSessions } from "./clerk-sessions.ts";
export { toLocalPath } from "./redirect-path.ts";
export type { Session, SignInOptions } from "./session.ts";
export type { ClerkOptions, SessionAuth, Viewer } from "./verifier.ts";
