// `@rolecall/guard/clerk`: sessions by Clerk's own SDK, `@clerk/backend`. Read in this order:
//
//     sessions.ts   from a request to its answer, by detours where they help
//     session.ts    one session: who is signed in, and what everybody else is told
//     seek.ts       which cookies are shown to the SDK; pairs.ts: in which order
//     judge.ts      what the SDK says; rivals.ts: whether it says so of two users
//     visit.ts      a request as it came; cookies.ts, way-back.ts: what it carries
//     claims.ts     what a token claims, unverified; instance.ts: whose it may be
//
// The SDK verifies. Added is what it lacks: an answer of Clerk's counts only in the browser that
// was sent away for it, and no answer replaces a session that is good.

export type { ClerkOptions, SessionAuth, Viewer } from "./judge.ts";
export type { Session, SignInOptions } from "./session.ts";
export type { Handler, SessionsOptions } from "./sessions.ts";
export { Sessions, sessions } from "./sessions.ts";
export { localPath } from "./way-back.ts";
