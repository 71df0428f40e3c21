// The requests for the comparison of `ssr` with Clerk's SDK: all combinations of cookies, headers,
// tokens and handshake results.

import { DOCUMENT } from "./answers.mjs";
import { HEADER, claimsOf, compact, makeKey } from "./sessions.mjs";

export const [A, B] = ["user_2Ada", "user_2Bob"];

const STAGES = ["production", "development"];
const OTHER_ISSUER = "https://clerk.other.example";
const ORGANIZATION_V1 = {
  v: undefined, org_id: "org_2A", org_role: "org:admin", org_slug: "acme",
  org_permissions: ["org:posts:read"],
};
const ORGANIZATION_V2 = {
  fea: "o:posts,o:teams", o: { id: "org_2A", slg: "acme", rol: "admin", per: "read", fpm: "1,0" },
};
const stranger = makeKey();

/** The times of a token that was made so many seconds ago. */
const aged = (seconds, life = 60) => (now) => {
  const iat = now - seconds;
  return { iat, nbf: iat - 10, exp: iat + life };
};

/** Tokens by their kind: user, claims, header, key. */
const TOKENS = {
  good: {},
  bob: { user: B },
  older: { claims: aged(20) },
  stale: { claims: aged(120) },
  "bob-stale": { user: B, claims: aged(120) },
  early: { claims: (now) => ({ nbf: now + 60 }) },
  future: { claims: (now) => ({ iat: now + 60, exp: now + 120 }) },
  "in-skew": { claims: aged(61) },
  theirs: { claims: () => ({ iss: OTHER_ISSUER }) },
  "theirs-stale": { claims: (now) => ({ ...aged(120)(now), iss: OTHER_ISSUER }) },
  "iss-number": { claims: () => ({ iss: 7 }) },
  "iss-list": { claims: () => ({ iss: [OTHER_ISSUER] }) },
  "iss-none": { claims: () => ({ iss: undefined }) },
  "iss-empty": { claims: () => ({ iss: "" }) },
  forged: { signer: stranger },
  "forged-newer": { signer: stranger, claims: (now) => ({ iat: now + 3 }) },
  "azp-none": { claims: () => ({ azp: undefined }) },
  "azp-other": { claims: () => ({ azp: "https://evil.example" }) },
  "act-user": { claims: () => ({ act: { sub: "user_2Support" } }) },
  "act-mail": { claims: () => ({ act: { sub: "support.desk@corp.example" } }) },
  "org-v1": { claims: () => ORGANIZATION_V1 },
  "org-v2": { claims: () => ORGANIZATION_V2 },
  "cat-ignore": { header: { cat: "cl_I7d4PD111III" } },
  "cat-none": { header: { cat: undefined } },
  "cat-template": { header: { cat: "cl_B7d4PD222AAA" } },
  "cat-machine": { header: { cat: "cl_B7d4PD333AAA" } },
  "cat-unknown": { header: { cat: "cl_B7d4PD444AAA" } },
  "typ-none": { header: { typ: undefined } },
  "typ-access": { header: { typ: "at+jwt" } },
  "kid-other": { header: { kid: "ins_2Other" } },
  oiat: { header: { oiat: 1_700_000_000 } },
  rs512: { header: { alg: "RS512" }, hash: "sha512" },
  crit: { header: { crit: ["x"] } },
  "sid-none": { claims: () => ({ sid: undefined }) },
  "sub-none": { claims: () => ({ sub: undefined }) },
  "sub-machine": { claims: () => ({ sub: "mch_2A" }) },
  "sub-odd": { claims: () => ({ sub: "2Ada" }) },
  pending: { claims: () => ({ sts: "pending" }) },
  "exp-text": { claims: (now) => ({ exp: String(now + 60) }) },
  "exp-none": { claims: () => ({ exp: undefined }) },
  "exp-fraction": { claims: (now) => ({ exp: now + 60.5 }) },
  "iat-none": { claims: () => ({ iat: undefined, nbf: undefined }) },
};

/** Strings that are not Clerk tokens. */
const TEXTS = { junk: "x.y.z", word: "somebody-elses" };

/** The kinds of tokens. */
export const KINDS = [...Object.keys(TOKENS), ...Object.keys(TEXTS)];

/** The kinds for combinations of several tokens. */
const PLACED = [
  "none", "good", "bob", "older", "stale", "theirs", "iss-number", "iss-none", "junk", "forged",
];

/** Values of `__client_uat`. */
const UATS = {
  zero: () => "0", before: (now) => now - 300, after: (now) => now + 90, odd: () => "x",
};

/** Makes a token of this kind. */
export function tokenOf(kind, now) {
  if (kind in TEXTS) return TEXTS[kind];
  const { user = A, claims = () => ({}), header, signer, hash } = TOKENS[kind];
  return compact({ ...HEADER, ...header }, claimsOf(user, claims(now)), { signer, hash });
}

const SCRIPT = { "sec-fetch-dest": "empty", accept: "*/*" };
const ASKED = "0f5b2c1e-9d3a-4c57-8f10-6a2b7c9d4e11";

const list = (one) => (one === "none" ? [] : [one]);

/** An empty case: tokens and times by their kinds, in their order. */
const NOTHING = { stage: "production", by: "document", header: null, p: [], u: [], s: [], v: [] };

/** All cases. */
export function cells() {
  return [...pairs(), ...alone(), ...besideHeaders(), ...answers(), ...twins()];
}

/** Both pairs in every state, for production and development instances. */
function pairs() {
  const places = { stage: STAGES, p: PLACED, u: uats("odd"), s: PLACED, v: uats() };
  return cross(places).map(cellOf);
}

/** Every kind of token alone, in every place. */
function alone() {
  const by = ["document", "script"];
  const kinds = { stage: STAGES, by, kind: KINDS };
  return cross(kinds).flatMap(({ kind, ...more }) => [
    cellOf({ ...more, header: `Bearer ${kind}` }),
    cellOf({ ...more, header: kind }),
    cellOf({ ...more, p: kind }),
    cellOf({ ...more, p: kind, u: "before" }),
    cellOf({ ...more, s: kind, v: "before" }),
    cellOf({ ...more, s: kind, v: "before", p: "good", u: "before" }),
    cellOf({ ...more, p: kind, u: "before", s: "good", v: "before" }),
  ]);
}

/** A header beside cookies. */
function besideHeaders() {
  const kinds = ["good", "bob", "stale", "junk", "forged", "word"];
  const header = [...kinds.map((kind) => `Bearer ${kind}`), "good", "word", "Basic word"];
  const all = { header, p: PLACED, s: ["none", "good", "bob"] };
  return cross(all).map((cell) => cellOf({ ...cell, u: "before", v: timeOf(cell.s) }));
}

/** Handshake results. */
function answers() {
  const cats = {
    session: HEADER.cat, ignore: "cl_I7d4PD111III", none: undefined,
    template: "cl_B7d4PD222AAA", machine: "cl_B7d4PD333AAA", unknown: "cl_B7d4PD444AAA",
  };
  const sessions = ["good", "bob", "stale", "theirs", "azp-none", "pending", "out"];
  const all = {
    stage: STAGES, cat: Object.keys(cats), inside: [...sessions, "forged", "sid", "typ-access"],
    place: ["query", "cookie"], p: ["none", "good", "stale"],
  };
  return cross(all).map(({ cat, inside: kind, place, ...cell }) => ({
    ...cellOf({ ...cell, u: "before" }),
    answer: { cat, inside: kind, place, category: cats[cat] },
  }));
}

/** Duplicate cookies. */
function twins() {
  const times = [[], ["before"], ["zero", "before"], ["before", "zero"], ["after", "before"]];
  const kinds = PLACED.slice(1);
  const all = { one: kinds, other: kinds, u: times, s: ["none", "good"] };
  const differing = cross(all).filter(({ one, other }) => one !== other);
  return differing.map(({ one, other, u, s }) =>
    ({ ...cellOf({ s, v: timeOf(s) }), p: [one, other], u }));
}

/** The time of a token, if there is one. */
function timeOf(kind) {
  return kind === "none" ? "none" : "before";
}

function uats(...more) {
  return ["none", "zero", "before", "after", ...more];
}

function cellOf({ p = "none", u = "none", s = "none", v = "none", ...more }) {
  return { ...NOTHING, ...more, p: list(p), u: list(u), s: list(s), v: list(v) };
}

/** Every combination of one value from each list. */
function cross(lists) {
  const spread = (all, [name, values]) =>
    all.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  return Object.entries(lists).reduce(spread, [{}]);
}

/** The kind of each token a minute later. */
const LATER = { good: "stale", older: "stale", bob: "bob-stale", theirs: "theirs-stale" };

/** The case after its tokens have expired and its user has signed in, with all old cookies. */
export function signedInAfter({ p, u, s, v, ...more }) {
  const left = (kinds) => kinds.map((kind) => LATER[kind] ?? kind);
  const [plain, suffixed] = [p, s].map((kinds) => [...left(kinds), "good"]);
  const cookies = { p: plain, u: [...u, "before"], s: suffixed, v: [...v, "before"] };
  return { ...more, ...cookies, header: null, answer: undefined };
}

/** Formats a case as one line. */
export function shown({ stage, by, header, p, u, s, v, answer }) {
  const told = answer ? ` answer=${answer.cat}:${answer.inside}:${answer.place}` : "";
  const sets = Object.entries({ p, u, s, v }).map(([name, kinds]) => `${name}=${kinds.join("+")}`);
  return `${stage} ${by} header=${header} ${sets.join(" ")}${told}`;
}

/** Makes the request of a case at this moment, with its tokens. */
export function requestOf(cell, suffix) {
  const now = Math.floor(Date.now() / 1000);
  const tokens = [];
  const made = (kind) => {
    const token = tokenOf(kind, now);
    tokens.push(token);
    return token;
  };
  const named = (name, values) => values.map((value) => `${name}=${value}`);
  const cookies = [
    ...named("__session", cell.p.map(made)),
    ...named("__client_uat", cell.u.map((kind) => UATS[kind](now))),
    ...named(`__session_${suffix}`, cell.s.map(made)),
    ...named(`__client_uat_${suffix}`, cell.v.map((kind) => UATS[kind](now))),
  ];
  // Without it the SDK first starts a handshake to identify the browser.
  if (cell.stage === "development") {
    cookies.push("__clerk_db_jwt=dvb_2Browser", `__clerk_db_jwt_${suffix}=dvb_2Browser`);
  }
  let path = "/dashboard";
  if (cell.answer) {
    cookies.push(`__Host-rolecall_asked=${ASKED}`);
    path += `?rolecall_asked=${ASKED}`;
    const answer = answerOf(cell.answer, now);
    if (cell.answer.place === "query") path += `&__clerk_handshake=${answer}`;
    else cookies.push(`__clerk_handshake=${answer}`);
  }
  const headers = { ...(cell.by === "document" ? DOCUMENT : SCRIPT) };
  if (0 < cookies.length) headers.cookie = cookies.join("; ");
  if (cell.header !== null) {
    const [, scheme, kind] = /^(?:(\w+) )?([\w-]+)$/.exec(cell.header);
    headers.authorization = scheme ? `${scheme} ${made(kind)}` : made(kind);
  }
  return { path, headers, tokens };
}

function answerOf({ category, inside }, now) {
  const isOwn = ["forged", "sid", "typ-access"].includes(inside);
  const token = inside === "out" ? "" : tokenOf(isOwn ? "good" : inside, now);
  const handshake = [`__session=${token}; Path=/`, `__client_uat=${token ? now : 0}; Path=/`];
  const header = { ...HEADER, cat: category, ...(inside === "typ-access" && { typ: "at+jwt" }) };
  const claims = inside === "sid" ? claimsOf(A, { handshake }) : { handshake };
  return compact(header, claims, inside === "forged" ? { signer: stranger } : {});
}
