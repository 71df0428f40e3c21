// Candidates: the `Cookie` headers that the SDK verifies, made from Clerk's two pairs of cookies.

import type { ClerkInstance } from "./clerk-instance.ts";
import type { RequestCookies } from "./cookies.ts";
import { parseUnverifiedClaims } from "./unverified-claims.ts";

/** The cookie with the session token. */
const SESSION = "__session";

/** The time of the browser's last change of sessions, in seconds; 0 means "signed out". */
const CLIENT_UAT = "__client_uat";

/** The most candidates of one request. A browser needs one or two; more only take time. */
export const CANDIDATES_MAX = 8;

/** The value of a session cookie. */
interface TokenValue {
  readonly text: string;
  /** Whether it has claims. Without claims it is not a session token. */
  readonly hasClaims: boolean;
}

/** A pair of cookies: the distinct tokens, and the `__client_uat` that counts. */
interface CookiePair {
  readonly suffix: string;
  readonly tokens: readonly TokenValue[];
  readonly clientUat: string | undefined;
}

/**
 * Lists `Cookie` headers with at most one value per name, the best first.
 *
 * A cookie name may occur several times, or belong to another framework: a sibling domain or
 * another instance may have set it, and the header does not say which is ours. The first candidate
 * has the best value of both pairs; Clerk's SDK decides between them by its rules. The others have
 * one token each, with its `__client_uat`: the suffixed pair first, the newest first, and tokens of
 * this instance before others.
 *
 * There are at most `CANDIDATES_MAX`. A session behind so many tokens that claim to be newer is not
 * found.
 */
export function listCandidates(
  cookies: RequestCookies,
  instance: ClerkInstance,
): readonly string[] {
  const plain = readPair(cookies, "", instance);
  const suffixed = readPair(cookies, `_${instance.suffix}`, instance);
  const single = [...formatSingleTokens(suffixed, plain), ...formatSingleTokens(plain, suffixed)];
  return [...new Set([formatBothPairs(plain, suffixed), ...single])].slice(0, CANDIDATES_MAX);
}

/** Returns the names of the cookies in which Clerk's SDK looks for a token. */
export function sessionCookieNames({ suffix }: ClerkInstance): readonly string[] {
  return [SESSION, `${SESSION}_${suffix}`];
}

/** Returns whether a `Cookie` header has a `__client_uat`. */
export function hasClientUat(header: string): boolean {
  return header.split("; ").some((part) => part.startsWith(CLIENT_UAT));
}

/** Returns whether a cookie belongs to a pair of any instance. Only candidates contain those. */
export function isPairCookie(name: string): boolean {
  return [SESSION, CLIENT_UAT].some((it) => name === it || name.startsWith(`${it}_`));
}

function readPair(cookies: RequestCookies, suffix: string, { issuer }: ClerkInstance): CookiePair {
  const values = cookies.distinctValues(SESSION + suffix);
  const parsed = values.map((text) => ({ text, claims: parseUnverifiedClaims(text) }));
  const isOwn = (iss: string | undefined) => Number(iss !== undefined && iss === issuer);
  parsed.sort(({ claims: one }, { claims: other }) => {
    if (one === undefined) return other === undefined ? 0 : 1;
    if (other === undefined) return -1;
    return isOwn(other.iss) - isOwn(one.iss) || (other.iat ?? 0) - (one.iat ?? 0);
  });
  const tokens = parsed.map(({ text, claims }) => ({ text, hasClaims: claims !== undefined }));
  const clientUat = chooseClientUat(cookies.distinctValues(CLIENT_UAT + suffix));
  return { suffix, tokens, clientUat };
}

/**
 * Chooses the earliest of several times. A later one, or a 0, may be from another instance, and
 * must not reject a session alone. A value that is not a number counts as 0.
 */
function chooseClientUat(values: readonly string[]): string | undefined {
  const times = values.map((value) => (/^\d{1,10}$/.test(value) ? Number(value) : 0));
  const nonZero = times.filter((time) => 0 < time);
  if (nonZero.length === 0) return times.length === 0 ? undefined : "0";
  return String(Math.min(...nonZero));
}

function formatBothPairs(plain: CookiePair, suffixed: CookiePair): string {
  // A token without its own time uses that of the other pair, if that one says "signed in".
  const other = isSignedIn(suffixed.clientUat) ? suffixed.clientUat : undefined;
  const parts = [
    formatPair(plain.suffix, plain.tokens[0], plain.clientUat ?? other),
    formatPair(suffixed.suffix, suffixed.tokens[0], suffixed.clientUat),
  ];
  return parts.filter((text) => text !== "").join("; ");
}

/** Formats each token with claims, with the time of its pair or else of the other pair. */
function formatSingleTokens(pair: CookiePair, other: CookiePair): string[] {
  // The SDK reads a suffixed token only if there is a suffixed time.
  const suffix = pair.clientUat === undefined ? "" : pair.suffix;
  const withClaims = pair.tokens.filter(({ hasClaims }) => hasClaims);
  return withClaims.map((token) => formatPair(suffix, token, pair.clientUat ?? other.clientUat));
}

function formatPair(
  suffix: string,
  token: TokenValue | undefined,
  clientUat: string | undefined,
): string {
  // Without claims it is not a session token: a signed-out browser must not go to Clerk for it.
  const isIncluded = token !== undefined && (token.hasClaims || isSignedIn(clientUat));
  const parts = isIncluded ? [`${SESSION}${suffix}=${token.text}`] : [];
  if (clientUat !== undefined) parts.push(`${CLIENT_UAT}${suffix}=${clientUat}`);
  return parts.join("; ");
}

function isSignedIn(clientUat: string | undefined): boolean {
  return clientUat !== undefined && clientUat !== "0";
}
