// Tokens that come beside a session's own and may be another user's.

import { claimsIn } from "./claims.ts";
import type { Viewer } from "./judge.ts";

/**
 * How many of them are verified. Anybody on a sibling domain can set more, with any content, and
 * what nobody verified must keep nobody out: the rest is ignored.
 */
export const RIVALS_MAX = 8;

/**
 * The tokens, in their order, that say they are of the viewer's instance and another user's, at
 * most `RIVALS_MAX`. Nothing is verified here: the caller has it done.
 *
 * The limit: a second user's session that is good is not seen behind so many others. Tokens under
 * the names that Clerk's SDK reads are to come first, so that only copies of those can hide one.
 */
export function rivalsOf({ userId, auth }: Viewer, tokens: Iterable<string>): readonly string[] {
  const { iss } = auth.sessionClaims;
  const isRival = (token: string) => {
    const claims = claimsIn(token);
    return claims !== undefined && claims.iss === iss && claims.sub !== userId;
  };
  return [...tokens].filter(isRival).slice(0, RIVALS_MAX);
}
