// Tokens in the cookies that may belong to another user than the session.

import { parseUnverifiedClaims } from "./unverified-claims.ts";
import type { Viewer } from "./verifier.ts";

/**
 * The most tokens of other users that are verified; the rest are ignored. A sibling domain can set
 * any number of forged ones, and they must not lock the user out.
 */
export const OTHER_TOKENS_MAX = 8;

/**
 * Returns the tokens that claim the viewer's instance and another user, in their order, at most
 * `OTHER_TOKENS_MAX`. The caller verifies them.
 *
 * Limitation: a valid session of a second user is not found behind so many others. The caller puts
 * the cookies that Clerk's SDK reads first, so only duplicates of those can hide one.
 */
export function findOtherUsersTokens(
  { userId, auth }: Viewer,
  tokens: Iterable<string>,
): readonly string[] {
  const { iss } = auth.sessionClaims;
  const isOther = (token: string) => {
    const claims = parseUnverifiedClaims(token);
    return claims !== undefined && claims.iss === iss && claims.sub !== userId;
  };
  return [...tokens].filter(isOther).slice(0, OTHER_TOKENS_MAX);
}
