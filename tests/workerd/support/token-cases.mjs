// Tokens for tests: the shapes of the fixtures with this run's key and clock, and almost valid
// signatures.

import { constants, createHmac, sign } from "node:crypto";
import { readFileSync } from "node:fs";

import { HEADER, KID, claimsOf, compact, jwk, key, makeKey, part, pem } from "./sessions.mjs";

const FIXTURES = new URL("../../fixtures/clerk-sessions/", import.meta.url);

/** Reads a file of the fixtures. */
export function fixture(name) {
  return readFileSync(new URL(name, FIXTURES), "utf8");
}

/** The id of the key that signed the fixtures. */
const FIXTURE_KID = "ins_2GIoQhbUpy0hX7B2cVkuTMinXoD";

/** Not tokens: there is nothing to sign or to move in time. */
const AS_THEY_STAND = ["not_base64", "not_json", "empty"];

/** How to sign the shapes that are not signed with RS256 over their content. */
const BENT = {
  alg_none: (header, claims) => `${part(header)}.${part(claims)}.`,
  alg_hs256_key_confusion: (header, claims) => {
    const text = `${part(header)}.${part(claims)}`;
    return `${text}.${createHmac("sha256", pem(key)).update(text).digest("base64url")}`;
  },
  alg_rs512: (header, claims) => compact(header, claims, { hash: "sha512" }),
  payload_tampered: (header, claims) => {
    const [, , signature] = compact(header, { ...claims, sub: "user_2TestUser" }).split(".");
    return `${part(header)}.${part(claims)}.${signature}`;
  },
  two_segments: (header, claims) => `${part(header)}.${part(claims)}`,
  four_segments: (header, claims) => `${compact(header, claims)}.x`,
  // Signed as sent, so that only the padding is wrong.
  padded_base64url: (header, claims) => {
    const text = `${part(header)}==.${part(claims)}`;
    return `${text}.${sign("sha256", Buffer.from(text), key.privateKey).toString("base64url")}`;
  },
};

/**
 * The shapes of `derived-session-tokens.json`. `expect` is the file's result, `claims` are the
 * token's claims, `made` makes the token for a clock at `seconds`. `change` makes the claims of
 * another issuer's token.
 */
export function shapes(change = (claims) => claims) {
  const { cases } = JSON.parse(fixture("derived-session-tokens.json"));
  return cases.map(({ name, expect, now, token }) => {
    if (AS_THEY_STAND.includes(name)) return { name, expect, made: () => token };
    const [header, claims] = token.split(".").slice(0, 2).map(read);
    if (header.kid === FIXTURE_KID) header.kid = KID;
    const made = (seconds) =>
      (BENT[name] ?? compact)(header, change(shifted(claims, seconds - now)));
    return { name, expect, claims, made };
  });
}

/** Why a shape is rejected, as the log's `detail` says it; shapes that are not here are accepted. */
export const REFUSED = {
  pending_session: "the session is not active",
  cat_jwt_template: "unexpected category (cat)",
  cat_m2m: "unexpected category (cat)",
  sub_machine: "sub is not a user id",
  sub_missing: "sub is not a user id",
  typ_at_jwt: "unexpected typ",
  alg_none: "not a compact JWS",
  alg_hs256_key_confusion: "the algorithm is not RS256",
  alg_rs512: "the algorithm is not RS256",
  kid_unknown: "unknown key id (kid)",
  azp_mismatch: "azp is not in AUTHORIZED_PARTIES",
  azp_missing_with_authorizedParties: "missing azp",
  azp_missing_no_authorizedParties: "missing azp",
  iss_mismatch: "unexpected issuer",
  exp_at_skew_boundary: "the token has expired",
  expired: "the token has expired",
  nbf_future: "the token is not valid yet",
  iat_future: "the token was issued in the future",
  exp_string: "malformed claims",
  payload_tampered: "invalid signature",
  two_segments: "not a compact JWS",
  four_segments: "not a compact JWS",
  not_base64: "not a compact JWS",
  not_json: "malformed token header",
  padded_base64url: "not a compact JWS",
  // `Bearer` without a token: nothing is logged.
  empty: undefined,
};

/** Shapes that Clerk would accept according to the file, and we do not. */
export const STRICTER = {
  alg_rs512: "Clerk's SDK knows RS384 and RS512; Clerk itself signs with RS256 alone",
  azp_missing_no_authorizedParties: "the SDK skips `azp` without a list; here there is always one",
};

function read(text) {
  return JSON.parse(Buffer.from(text, "base64url"));
}

/** Moves times; a string instead of a number does not change. */
function shifted(claims, by) {
  const times = ["exp", "nbf", "iat"].filter((name) => name in claims);
  const moved = (value) => (typeof value === "string" ? String(Number(value) + by) : value + by);
  return { ...claims, ...Object.fromEntries(times.map((name) => [name, moved(claims[name])])) };
}

/** Forms of our public key that an attacker may use as an HMAC secret. */
export function secretsOfPublicKey() {
  const { publicKey } = key;
  const [spki, pkcs1] = ["spki", "pkcs1"].map((type) => publicKey.export({ type, format: "pem" }));
  const der = publicKey.export({ type: "spki", format: "der" });
  const modulus = jwk(key).n;
  return {
    PEM: spki, "PEM without its end": spki.trim(), "PEM in one line": spki.replaceAll("\n", "\\n"),
    "PKCS 1": pkcs1, DER: der, "DER in base64": der.toString("base64"),
    JWK: JSON.stringify(jwk(key)), JWKS: JSON.stringify({ keys: [jwk(key)] }),
    modulus, "modulus in bytes": Buffer.from(modulus, "base64url"), nothing: "",
  };
}

/** Makes a token whose signature is an HMAC with this secret. */
export function byHmac(secret, claims = claimsOf("user_2Forger")) {
  const signed = `${part({ ...HEADER, alg: "HS256" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Headers of other classes of tokens, and the reason for each rejection. */
export const CLASSES = [
  ...["at+jwt", "application/at+jwt", "jwt", "JWE", ""].map((typ) =>
    [{ typ }, "unexpected typ"]),
  ...["cl_B7d4PD222AAA", "cl_B7d4PD333AAA", "cl_B7d4PD444AAA", "cl_b7d4pd111aaa", ""].map((cat) =>
    [{ cat }, "unexpected category (cat)"]),
  ...[null, 7, ["JWT"]].map((typ) => [{ typ }, "malformed token header"]),
  ...[null, 7, [HEADER.cat]].map((cat) => [{ cat }, "malformed token header"]),
];

/** Another key. */
const stranger = makeKey();

/** Makes a token from the text to sign or from the valid signature. */
function withSignature(claims, make) {
  const what = `${part(HEADER)}.${part(claims)}`;
  const good = sign("sha256", Buffer.from(what), key.privateKey);
  return `${what}.${Buffer.from(make(good, what)).toString("base64url")}`;
}

const modulus = () => Buffer.from(jwk(key).n, "base64url");

/** Tokens with invalid signatures over the claims that `claims` makes. */
export function forged(claims) {
  const byStranger = (header) => compact({ ...HEADER, ...header }, claims(), { signer: stranger });
  const changed = (make) => () => withSignature(claims(), make);
  return {
    "another's key": () => byStranger({}),
    "another's key, in the header": () => byStranger({ jwk: jwk(stranger) }),
    "another's key, by its address": () => byStranger({ jku: "http://127.0.0.1:9/jwks.json" }),
    "the first bit flipped": changed((good) => good.with(0, good[0] ^ 0x80)),
    "the last bit flipped": changed((good) => good.with(-1, good.at(-1) ^ 1)),
    "its first byte alone": changed((good) => good.subarray(0, 1)),
    "a byte less": changed((good) => good.subarray(0, -1)),
    "a byte more": changed((good) => [...good, 0]),
    "a zero before it": changed((good) => [0, ...good]),
    zeros: changed((good) => good.fill(0)),
    "the number one": changed((good) => good.fill(0).with(-1, 1)),
    ones: changed((good) => good.fill(0xff)),
    "the modulus": changed(() => modulus()),
    // A modulus is odd, so one less only clears its last bit.
    "the modulus less one": changed(() => modulus().with(-1, modulus().at(-1) - 1)),
    "SHA-1": changed((_, what) => sign("sha1", Buffer.from(what), key.privateKey)),
    "SHA-512": changed((_, what) => sign("sha512", Buffer.from(what), key.privateKey)),
    PSS: changed((_, what) => {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      return sign("sha256", Buffer.from(what), { key: key.privateKey, padding });
    }),
    "the signature of other claims": () => {
      const [head, , signature] = compact(HEADER, { ...claims(), sub: "user_2Honest" }).split(".");
      return `${head}.${part(claims())}.${signature}`;
    },
    "the signature of another header": () => {
      const [, payload, signature] = compact(HEADER, claims()).split(".");
      return `${part({ ...HEADER, typ: undefined })}.${payload}.${signature}`;
    },
  };
}

/** The same for session tokens. */
export const FORGED = forged(() => claimsOf("user_2Forger"));
