// The differences between `ssr` and Clerk's SDK, and their reasons. This file makes the page in
// `docs`.

/** Tokens that are valid sessions. */
const LIVE = new Set([
  "good", "bob", "older", "in-skew", "act-user", "act-mail", "org-v1", "org-v2", "cat-ignore",
  "cat-none", "typ-none", "kid-other", "oiat", "iat-none",
]);

/** Tokens in which only the time is wrong: Clerk renews them. */
const LAPSED = new Set(["stale", "bob-stale", "early", "future"]);

/** Tokens that the SDK accepts or renews, and `ssr` rejects. */
const LOOSE = new Set([
  "theirs", "theirs-stale", "iss-number", "iss-list", "iss-none", "iss-empty", "rs512", "crit",
  "sid-none", "sub-odd", "exp-fraction",
]);

const kindOfHeader = ({ header }) => header?.split(" ").at(-1);
const inCookies = ({ p, s }) => [...p, ...s];
const all = (cell) => [...inCookies(cell), kindOfHeader(cell)].filter((kind) => kind !== undefined);
const has = (set) => (cell) => all(cell).some((kind) => set.has(kind));
const [hasLive, hasLapsed, hasLoose] = [LIVE, LAPSED, LOOSE].map(has);
const hasOther = (cell) => all(cell).some((kind) => !LIVE.has(kind) && !LAPSED.has(kind));
const isTwin = ({ p, u, s, v }) => [p, u, s, v].some((values) => 1 < values.length);
const ofBoth = (cell) => 1 < new Set(all(cell).filter((kind) => LIVE.has(kind))
  .map((kind) => kind === "bob")).size;

/** Returns whether a pair has a valid token and no time. */
const isUntimed = ({ p, u, s, v }) =>
  [[p, u], [s, v]].some(([tokens, uats]) => tokens.some((it) => LIVE.has(it)) && uats.length === 0);

/**
 * The list. `ours` and `sdk` are the two results: `in`, `out`, `asks` (redirects the browser to
 * Clerk for a handshake), `takes` (a handshake result) or `throws`. `is` returns whether a case has
 * this difference; the first matching entry counts.
 */
export const DIFFERENCES = [
  {
    id: "answer-throws",
    ours: ["in", "out", "asks"], sdk: "throws",
    is: ({ answer, stage }) => answer !== undefined && stage === "development",
    what: "An invalid handshake result of a development instance.",
    why: "The SDK throws, and the app shows an error. Here the result is ignored.",
  },
  {
    id: "answer-replaces-nothing",
    ours: "in", sdk: "takes",
    is: (cell) => cell.answer !== undefined && hasLive(cell),
    what: "A handshake result beside a valid session.",
    why: "A link with an attacker's result would sign its reader in as them. It is ignored.",
  },
  {
    id: "answer-is-read-strictly",
    ours: "asks", sdk: "takes",
    is: ({ answer }) =>
      ["theirs", "sid", "stale", "pending", "azp-none"].includes(answer?.inside),
    what: "A handshake result that is itself a session token, or whose session belongs to another "
      + "instance, is pending, or has expired (in development).",
    why: "None of its cookies is set. The browser is redirected to Clerk again.",
  },
  {
    id: "a-program-is-not-sent-away",
    ours: "out", sdk: "asks",
    is: (cell) => cell.header !== null && !ofBoth(cell),
    what: "An expired token in `Authorization`, in a request that looks like a browser's.",
    why: "A client with this header is a program and gets its tokens itself. The answer is 401.",
  },
  {
    id: "a-header-without-a-scheme",
    ours: ["in", "asks"], sdk: "out",
    is: ({ header }) => header === "word",
    what: "A single word in `Authorization` that does not have the form of a token.",
    why: "It belongs to another scheme, so the cookies count. The SDK takes it for a token.",
  },
  {
    id: "two-people",
    ours: "out", sdk: ["in", "asks"],
    is: ofBoth,
    what: "Valid tokens of two users in one request.",
    why: "A guess could show one user the other's page. It ends when one of the tokens expires, "
      + "within a minute.",
  },
  {
    id: "tokens-are-read-strictly",
    ours: ["out", "asks", "in"], sdk: "in",
    is: hasLoose,
    what: "A token with another issuer or without one, with RS384 or RS512, with `crit`, without "
      + "`sid`, with a `sub` that is not a user id, or with a fraction in a time.",
    why: "The SDK does not check the issuer, so it accepts another instance's token if the key is "
      + "shared. Clerk makes none of the other forms. A valid token in the same request counts.",
  },
  {
    id: "not-asked-for-what-is-no-session",
    ours: "out", sdk: "asks",
    is: (cell) => hasOther(cell) && !hasLive(cell),
    what: "A token that Clerk cannot renew, beside a `__client_uat` that does not match it.",
    why: "The SDK compares the times before it verifies the token. Here the token is rejected "
      + "first, and signing in sets new cookies.",
  },
  {
    id: "no-time-beside-the-token",
    ours: "in", sdk: ["asks", "out"],
    is: isUntimed,
    what: "A valid token without a `__client_uat` in its pair.",
    why: "A missing cookie proves nothing, and the token is valid for a minute. A handshake would "
      + "give no better result.",
  },
  {
    id: "a-good-token-is-found",
    ours: "in", sdk: ["asks", "out"],
    is: (cell) => hasLive(cell) && (hasOther(cell) || hasLapsed(cell) || isTwin(cell)),
    what: "A valid token after one that has expired, is of another instance or is not a token; or "
      + "a second `__client_uat`.",
    why: "The SDK reads only the first cookie of a name. An old cookie, another framework's "
      + "`__session` or one of a sibling domain would lock its user out while it exists.",
  },
  {
    id: "a-lapsed-token-is-found",
    ours: "asks", sdk: "out",
    is: (cell) => hasLapsed(cell) || hasLive(cell) || isTwin(cell),
    what: "A token that Clerk can renew, after one that is of another instance or is not a token, "
      + "or without a `__client_uat` in its pair.",
    why: "As above: a handshake sets new cookies.",
  },
];

const HEAD = `# Differences from Clerk's SDK

\`ssr\` decides by the rules of Clerk's SDK for backends, \`@clerk/backend\`, implemented again in
Rust. A test, \`tests/workerd/clerk-sdk.test.mjs\`, sends some seven thousand requests to both:
every state of both pairs of cookies, duplicate cookies, headers beside cookies, every kind of
token, and handshake results, for production and development instances. Each difference that it
finds must be in this table, and each entry must be found. The page is made from the test's own
list, \`tests/workerd/support/sdk-differences.mjs\`, and the test checks that they agree.

The test also checks two rules for all differences. First, a user who is let in has a token in the
request that the SDK alone accepts for the same user. Second, nobody is locked out permanently: a
user who is redirected to sign-in gets in with the cookies that Clerk then sets, whatever old
cookies there are. There is one limit: if a request has more than eight tokens, none is verified.
No browser with Clerk sends as many; a sibling domain that sets such cookies locks its own
visitors out until the cookies expire.

*in*: the page. *out*: the sign-in page, or 401. *asks*: redirected to Clerk for a handshake.
*takes*: the cookies of the handshake result are set. *throws*: an error of the app.

| case | here | SDK | why |
|---|---|---|---|
`;

/** Returns the page for `docs`. */
export function page() {
  const words = (said) => [said].flat().join(" or ");
  const rows = DIFFERENCES.map(({ what, ours, sdk, why }) =>
    `| ${what} | ${words(ours)} | ${words(sdk)} | ${why} |\n`);
  return HEAD + rows.join("");
}
