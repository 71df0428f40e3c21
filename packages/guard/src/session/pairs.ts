// Clerk's two pairs of cookies, each of which may come several times: what is shown to the SDK.

import { claimsIn } from "./claims.ts";
import type { Cookies } from "./cookies.ts";
import type { Instance } from "./instance.ts";

/** The token of a session. */
const SESSION = "__session";

/** When the browser's sessions last changed, in seconds; 0 is "signed out". */
const SINCE = "__client_uat";

/** Headers that are judged for one request. A browser needs one or two; more cost time alone. */
export const CANDIDATES_MAX = 8;

/** A token, or what stands in its place. */
interface Token {
  readonly text: string;
  /** Whether it could be a session's: it has claims that can be read. */
  readonly isReadable: boolean;
}

/** A pair: the different values of its token, and of its times the one that counts. */
interface Pair {
  readonly suffix: string;
  readonly tokens: readonly Token[];
  readonly since: string | undefined;
}

/**
 * `Cookie` headers with at most one value of each name, in the order in which they count.
 *
 * A cookie may come several times, or be another framework's: a sibling domain or another instance
 * has set one of its name, and nothing in the header says which is ours. The first holds the best
 * of both pairs, between which Clerk's SDK decides by its rules. Then each token is alone with its
 * time, those of the suffixed pair first, the newest first, those of this instance before others.
 *
 * There are never more than `CANDIDATES_MAX`: a session behind so many tokens that claim to be
 * newer is not seen.
 */
export function candidatesOf(cookies: Cookies, instance: Instance): readonly string[] {
  const plain = pairOf(cookies, "", instance);
  const suffixed = pairOf(cookies, `_${instance.suffix}`, instance);
  const alone = [...aloneOf(suffixed, plain), ...aloneOf(plain, suffixed)];
  return [...new Set([wholeOf(plain, suffixed), ...alone])].slice(0, CANDIDATES_MAX);
}

/** The names under which Clerk's SDK reads a token. */
export function namesOf({ suffix }: Instance): readonly string[] {
  return [SESSION, `${SESSION}_${suffix}`];
}

/** Whether a header says when the browser's sessions last changed. */
export function hasSince(header: string): boolean {
  return header.split("; ").some((part) => part.startsWith(SINCE));
}

/** Whether a cookie is of a pair, of whatever instance: only what was chosen is shown. */
export function isOfPair(name: string): boolean {
  return [SESSION, SINCE].some((known) => name === known || name.startsWith(`${known}_`));
}

function pairOf(cookies: Cookies, suffix: string, { issuer }: Instance): Pair {
  const known = cookies.values(SESSION + suffix).map((text) => ({ text, claims: claimsIn(text) }));
  const isOurs = (iss: string | undefined) => Number(iss !== undefined && iss === issuer);
  known.sort(({ claims: one }, { claims: other }) => {
    if (one === undefined) return other === undefined ? 0 : 1;
    if (other === undefined) return -1;
    return isOurs(other.iss) - isOurs(one.iss) || (other.iat ?? 0) - (one.iat ?? 0);
  });
  const tokens = known.map(({ text, claims }) => ({ text, isReadable: claims !== undefined }));
  return { suffix, tokens, since: sinceOf(cookies.values(SINCE + suffix)) };
}

/**
 * Of several times the earliest counts: a later one, or a 0, may be another instance's, and by
 * itself it refuses nobody. What is no number is 0.
 */
function sinceOf(values: readonly string[]): string | undefined {
  const times = values.map((value) => (/^\d{1,10}$/.test(value) ? Number(value) : 0));
  const known = times.filter((time) => 0 < time);
  if (known.length === 0) return times.length === 0 ? undefined : "0";
  return String(Math.min(...known));
}

/** Both pairs. */
function wholeOf(plain: Pair, suffixed: Pair): string {
  // A token without a time beside it has the other pair's, where that says somebody is signed in.
  const since = plain.since ?? (isActive(suffixed.since) ? suffixed.since : undefined);
  const shown = [
    textOf(plain.suffix, plain.tokens[0], since),
    textOf(suffixed.suffix, suffixed.tokens[0], suffixed.since),
  ];
  return shown.filter((text) => text !== "").join("; ");
}

/** Each token of a pair that could be a session's, with its time or else the other pair's. */
function aloneOf(pair: Pair, other: Pair): string[] {
  // The SDK reads a suffixed token only beside a time of its own.
  const suffix = pair.since === undefined ? "" : pair.suffix;
  const readable = pair.tokens.filter(({ isReadable }) => isReadable);
  return readable.map((token) => textOf(suffix, token, pair.since ?? other.since));
}

function textOf(suffix: string, token: Token | undefined, since: string | undefined): string {
  // What cannot be a session's is none: who is signed out is told so, not sent away to Clerk.
  const isShown = token !== undefined && (token.isReadable || isActive(since));
  const parts = isShown ? [`${SESSION}${suffix}=${token.text}`] : [];
  if (since !== undefined) parts.push(`${SINCE}${suffix}=${since}`);
  return parts.join("; ");
}

function isActive(since: string | undefined): boolean {
  return since !== undefined && since !== "0";
}
