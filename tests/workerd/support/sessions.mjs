// Session tokens as Clerk mints them, with this run's key, and the JWKS for it.

import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { createServer } from "node:http";

export const ISSUER = "https://clerk.example.com";
export const PARTY = "https://app.example.com";
export const KID = "ins_2TheInstanceOfThisRun";

/** `cat` of a session token, as in @clerk/backend: packages/backend/src/tokens/jwtCategories.ts. */
export const SESSION_CATEGORY = "cl_B7d4PD111AAA";

/** The instance's key. */
export const key = makeKey();

/** Variables with this run's key and instance. */
export const PEM_VARS = {
  CLERK_JWT_KEY: pem(key),
  CLERK_ISSUER: ISSUER,
  AUTHORIZED_PARTIES: PARTY,
  CLERK_FRONTEND_API_URL: ISSUER,
};

export function makeKey() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

export function pem({ publicKey }) {
  return publicKey.export({ type: "spki", format: "pem" });
}

/** Makes one entry of a JWKS. */
export function jwk({ publicKey }, kid = KID) {
  return { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

/** Makes claims that are valid for a minute; `claims` override them, `undefined` removes one. */
export function claimsOf(sub, claims = {}) {
  const iat = Math.floor(Date.now() / 1000);
  const sid = `sess_${randomUUID().replaceAll("-", "")}`;
  const times = { iat, nbf: iat - 10, exp: iat + 60 };
  const whose = { azp: PARTY, iss: ISSUER, jti: randomUUID(), sid, sts: "active", sub, v: 2 };
  return { ...whose, ...times, ...claims };
}

/** Mints a token for a user, signed with this run's key. */
export function mint(sub, { claims, header, ...how } = {}) {
  return compact({ ...HEADER, ...header }, claimsOf(sub, claims), how);
}

export const HEADER = { alg: "RS256", cat: SESSION_CATEGORY, kid: KID, typ: "JWT" };

/** Encodes header and claims in compact form; `hash` selects the RSA algorithm. */
export function compact(header, claims, { signer = key, hash = "sha256" } = {}) {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign(hash, Buffer.from(text), signer.privateKey).toString("base64url")}`;
}

/** Encodes one segment: JSON in base64url. */
export function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** The header with the token. */
export function bearer(token) {
  return { authorization: `Bearer ${token}` };
}

/**
 * Serves a JWKS on the loopback interface. `answer` may be replaced; `hits` counts the requests.
 *
 * @returns {Promise<{url: string, hits: number, answer: Function, close: () => Promise<void>}>}
 */
export async function serveJwks(keys = [jwk(key)]) {
  const server = createServer((request, response) => {
    jwks.hits += 1;
    jwks.answer(request, response);
  });
  const jwks = {
    hits: 0,
    answer: (_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ keys }));
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  jwks.url = `http://127.0.0.1:${server.address().port}/.well-known/jwks.json`;
  return jwks;
}
