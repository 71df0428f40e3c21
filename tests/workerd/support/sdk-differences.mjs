// Where `ssr` and Clerk's SDK do not say the same, and why. The page of it in `docs` is made here.

/** Tokens that are a session of ours by themselves. */
const LIVE = new Set([
  "good", "bob", "older", "in-skew", "act-user", "act-mail", "org-v1", "org-v2", "cat-ignore",
  "cat-none", "typ-none", "kid-other", "oiat", "iat-none",
]);

/** Tokens with which nothing but time is wrong: Clerk renews them. */
const LAPSED = new Set(["stale", "bob-stale", "early", "future"]);

/** Tokens that the SDK takes, or asks to have renewed, and that are none of ours. */
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

/** Whether a pair has a live token and no time beside it. */
const isUntimed = ({ p, u, s, v }) =>
  [[p, u], [s, v]].some(([tokens, uats]) => tokens.some((it) => LIVE.has(it)) && uats.length === 0);

/**
 * The list. `ours` and `sdk` are what each says: `in`, `out`, `asks` (sends the browser to Clerk
 * for a handshake), `takes` (an answer of Clerk's) or `throws`. `is` tells from a cell whether the
 * difference is this one; the first entry counts.
 */
export const DIFFERENCES = [
  {
    id: "answer-throws",
    ours: ["in", "out", "asks"], sdk: "throws",
    is: ({ answer, stage }) => answer !== undefined && stage === "development",
    what: "An answer to a handshake, of a development instance, that cannot be believed.",
    why: "The SDK throws, and the application shows an error. Here it is as good as none.",
  },
  {
    id: "answer-replaces-nothing",
    ours: "in", sdk: "takes",
    is: (cell) => cell.answer !== undefined && hasLive(cell),
    what: "An answer to a handshake beside a session that is good.",
    why: "A link with somebody's own answer would turn its reader into them. It is not read.",
  },
  {
    id: "answer-is-read-strictly",
    ours: "asks", sdk: "takes",
    is: ({ answer }) =>
      ["theirs", "sid", "stale", "pending", "azp-none"].includes(answer?.inside),
    what: "An answer that is a session's token itself, or whose session is another instance's, "
      + "pending, or lapsed (in development).",
    why: "Nothing of it is set as a cookie. The browser is sent to Clerk again.",
  },
  {
    id: "a-program-is-not-sent-away",
    ours: "out", sdk: "asks",
    is: (cell) => cell.header !== null && !ofBoth(cell),
    what: "A lapsed token in `Authorization`, of a request that looks like a browser's.",
    why: "Who sends a header runs a program, which fetches a token itself. It gets 401.",
  },
  {
    id: "a-header-without-a-scheme",
    ours: ["in", "asks"], sdk: "out",
    is: ({ header }) => header === "word",
    what: "One word in `Authorization` that has not the form of a token.",
    why: "It is somebody else's header, so the cookies count. The SDK takes it for a token.",
  },
  {
    id: "two-people",
    ours: "out", sdk: ["in", "asks"],
    is: ofBoth,
    what: "Live tokens of two users in one request.",
    why: "To guess would show one of them the other's page. It ends when one of them lapses, "
      + "within a minute.",
  },
  {
    id: "tokens-are-read-strictly",
    ours: ["out", "asks", "in"], sdk: "in",
    is: hasLoose,
    what: "A token of another issuer or of none, by RS384 or RS512, with `crit`, without `sid`, "
      + "with a `sub` that is no user's id, or with a fraction in a time.",
    why: "The SDK checks no issuer, so another instance's token passes there where the key is "
      + "shared. Clerk writes none of the others. Where another token of the request is ours, it "
      + "counts.",
  },
  {
    id: "not-asked-for-what-is-no-session",
    ours: "out", sdk: "asks",
    is: (cell) => hasOther(cell) && !hasLive(cell),
    what: "A token that no renewal mends, beside a `__client_uat` that does not fit it.",
    why: "The SDK looks at the times before it reads the token. Here it is refused first, and "
      + "signing in sets new cookies.",
  },
  {
    id: "no-time-beside-the-token",
    ours: "in", sdk: ["asks", "out"],
    is: isUntimed,
    what: "A good token without a `__client_uat` of its pair beside it.",
    why: "A cookie that is missing proves nothing, and the token lives a minute. A browser would "
      + "be sent away for no better answer.",
  },
  {
    id: "a-good-token-is-found",
    ours: "in", sdk: ["asks", "out"],
    is: (cell) => hasLive(cell) && (hasOther(cell) || hasLapsed(cell) || isTwin(cell)),
    what: "A good token, and before it one that is lapsed, is not ours or is no token; or a second "
      + "`__client_uat`.",
    why: "The SDK reads the first cookie of a name. A leftover, another framework's `__session` or "
      + "a sibling domain's would keep its user out for as long as it stays.",
  },
  {
    id: "a-lapsed-token-is-found",
    ours: "asks", sdk: "out",
    is: (cell) => hasLapsed(cell) || hasLive(cell) || isTwin(cell),
    what: "A token that Clerk can renew, and before it one that is not ours or is no token, or "
      + "no `__client_uat` of its pair beside it.",
    why: "As before: Clerk is asked, and its answer sets new cookies.",
  },
];

const HEAD = `# Where this differs from Clerk's SDK

Who is let in is decided by the rules of Clerk's SDK for backends, \`@clerk/backend\`, written once
more in Rust. A test, \`tests/workerd/clerk-sdk.test.mjs\`, shows some seven thousand requests to both:
every state of both pairs of cookies, cookies that come twice, headers beside them, every kind of
token, answers to handshakes, for instances of either stage. Each difference that it finds must be
one of these, and each of these must be found. This page is made from the test's own list,
\`tests/workerd/support/sdk-differences.mjs\`, and the test holds it to that.

Two things hold for all of them, and are tested too. A user who is let in has a token in the request
that the SDK takes by itself, for the same user. And nobody is kept out for good: a user who is told
to sign in gets in by the cookies that Clerk then sets, whatever was left behind. There is one limit:
of more than eight tokens in one request none is judged. No browser of Clerk's sends as many; a
sibling domain that sets such cookies keeps its own visitors out of here until they lapse.

*in*: the page. *out*: the sign-in page, or 401. *asks*: sent to Clerk for a handshake. *takes*: the
cookies of Clerk's answer are set. *throws*: an error of the application.

| case | here | SDK | why |
|---|---|---|---|
`;

/** The page for \`docs\`. */
export function page() {
  const words = (said) => [said].flat().join(" or ");
  const rows = DIFFERENCES.map(({ what, ours, sdk, why }) =>
    `| ${what} | ${words(ours)} | ${words(sdk)} | ${why} |\n`);
  return HEAD + rows.join("");
}
