// Settings of `ssr`, and the JWKS that it may find.

import { generateKeyPairSync } from "node:crypto";

import { ISSUER, KID, PARTY, PEM_VARS, jwk, key, makeKey, pem } from "./sessions.mjs";
import { fixture } from "./token-cases.mjs";

/** A key pair whose private key is public. */
const PUBLISHED = fixture("public-key.pem");

/** Variables for a JWKS, without its URL. */
export const JWKS_VARS = { ...PEM_VARS, CLERK_JWT_KEY: undefined };

/** Variables with which no session can be verified, and the logged error for each. */
export const CLOSED = {
  "parties-absent": [{ AUTHORIZED_PARTIES: undefined }, "AUTHORIZED_PARTIES is empty"],
  "parties-empty": [{ AUTHORIZED_PARTIES: "" }, "AUTHORIZED_PARTIES is empty"],
  "parties-blank": [{ AUTHORIZED_PARTIES: " , ," }, "AUTHORIZED_PARTIES is empty"],
  "issuer-absent": [{ CLERK_ISSUER: undefined }, "CLERK_ISSUER are both not set"],
  "issuer-of-no-address": [{ CLERK_ISSUER: "clerk" }, "CLERK_ISSUER is neither an https URL"],
  "issuer-in-the-clear": [
    { CLERK_JWT_KEY: " \n", CLERK_ISSUER: "http://x.example" },
    "CLERK_ISSUER is neither an https URL",
  ],
  "issuer-of-the-keys": [
    { CLERK_ISSUER: `${ISSUER}/.well-known/jwks.json` }, "CLERK_ISSUER contains /.well-known",
  ],
  "issuer-of-another-type": [{ CLERK_ISSUER: true }, "CLERK_ISSUER is not a string"],
  "party-with-a-page": [
    { AUTHORIZED_PARTIES: `${PARTY}/dashboard` }, "AUTHORIZED_PARTIES contains more than origins",
  ],
  "parties-with-a-semicolon": [
    { AUTHORIZED_PARTIES: `${PARTY};https://b.example` }, "AUTHORIZED_PARTIES contains a semicolon",
  ],
  "parties-as-json": [
    { AUTHORIZED_PARTIES: JSON.stringify([PARTY]) }, "AUTHORIZED_PARTIES contains quotes",
  ],
  "parties-by-a-pattern": [
    { AUTHORIZED_PARTIES: "https://*.example.com" }, "AUTHORIZED_PARTIES contains a wildcard",
  ],
  "parties-of-another-type": [
    { AUTHORIZED_PARTIES: [PARTY, 5] }, "AUTHORIZED_PARTIES is not a string",
  ],
  "key-published": [{ CLERK_JWT_KEY: PUBLISHED }, "Clerk's published test key"],
  "key-published-in-one-line": [
    { CLERK_JWT_KEY: PUBLISHED.replaceAll("\n", "\\n") }, "Clerk's published test key",
  ],
  "key-cut-short": [{ CLERK_JWT_KEY: pem(key).slice(0, 200) }, "CLERK_JWT_KEY is not the PEM"],
  "key-of-1024-bits": [
    { CLERK_JWT_KEY: pem(generateKeyPairSync("rsa", { modulusLength: 1024 })) },
    "CLERK_JWT_KEY is not the PEM",
  ],
  "key-elliptic": [
    { CLERK_JWT_KEY: pem(generateKeyPairSync("ec", { namedCurve: "P-256" })) },
    "CLERK_JWT_KEY is not the PEM",
  ],
  "jwks-in-the-clear": [
    { ...JWKS_VARS, CLERK_JWKS_URL: "http://clerk.example.com/jwks" }, "CLERK_JWKS_URL is neither",
  ],
  "publishable-key-of-nobody": [
    { CLERK_PUBLISHABLE_KEY: "pk_live_!" }, "CLERK_PUBLISHABLE_KEY is not a publishable key",
  ],
  "azp-of-anybody": [{ COOKIES_WITHOUT_AZP: "yes" }, "COOKIES_WITHOUT_AZP is neither"],
  "isolate-of-many-ms": [{ ROLES_ISOLATE_MS: "many" }, "ROLES_ISOLATE_MS is not a whole number"],
};

/** Other spellings of valid values. */
export const OPEN = {
  "key-in-one-line": { CLERK_JWT_KEY: pem(key).replaceAll("\n", "\\n") },
  "key-without-its-armour": { CLERK_JWT_KEY: pem(key).replace(/-----[A-Z ]+-----/g, "") },
  "parties-of-several": { AUTHORIZED_PARTIES: `https://other.example.com, ${PARTY} ,` },
  "party-with-a-slash": { AUTHORIZED_PARTIES: `${PARTY}/` },
  "party-in-capitals": { AUTHORIZED_PARTIES: "HTTPS://App.Example.com" },
  "party-without-its-scheme": { AUTHORIZED_PARTIES: new URL(PARTY).host },
  "party-in-quotes": { AUTHORIZED_PARTIES: `"${PARTY}"` },
  "parties-with-blanks": { AUTHORIZED_PARTIES: `https://b.example ${PARTY}\n` },
  "parties-in-a-list": { AUTHORIZED_PARTIES: ["https://b.example", PARTY] },
  "issuer-with-a-slash": { CLERK_ISSUER: `${ISSUER}/` },
  "issuer-without-its-scheme": { CLERK_ISSUER: new URL(ISSUER).host },
  "isolate-as-a-number": { ROLES_ISOLATE_MS: 5000 },
  "issuer-from-the-publishable-key": {
    CLERK_ISSUER: undefined,
    CLERK_PUBLISHABLE_KEY: `pk_test_${Buffer.from(`${new URL(ISSUER).host}$`).toString("base64")}`,
  },
};

/** A body of this size has no end: nobody reads as far. */
export const ENDLESS_BYTES = 64_000_000;

/** The initial answer of each JWKS in the tests. */
export const JWKS = {
  jwks: () => {},
  issuers: () => {},
  storm: () => {},
  rotated: () => {},
  warm: () => {},
  down: (server) => {
    server.answer = fail;
  },
  gone: (server) => answerWith(server, "", 404),
  garbled: (server) => answerWith(server, "<html>{}"),
  empty: (server) => answerWith(server, { keys: [] }),
  large: (server) => answerWith(server, { keys: [{ ...jwk(key), note: "x".repeat(70_000) }] }),
  // Their declared and real length is endless.
  announced: (server) => {
    server.answer = (_, response) =>
      void response.writeHead(200, { "content-length": 10_000_000 }).write("{");
  },
  endless: (server) => {
    server.sent = 0;
    server.answer = async (_, response) => {
      const chunk = Buffer.alloc(16_384, " ");
      let isHeard = true;
      response.on("close", () => {
        isHeard = false;
      });
      for (; isHeard && server.sent < ENDLESS_BYTES; server.sent += chunk.length) {
        const failed = await new Promise((done) => response.write(chunk, done));
        isHeard &&= !failed;
      }
    };
  },
  moved: (server) => {
    const to = server.url.replace("/.well-known", "/moved");
    server.answer = ({ url }, response) => {
      if (url.startsWith("/moved")) server.moved = true;
      if (server.moved) return response.end(JSON.stringify({ keys: [jwk(key)] }));
      return response.writeHead(302, { location: to }).end();
    };
  },
  silent: (server) => {
    server.answer = () => {};
  },
  mixed: (server) => {
    const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const weak = jwk(generateKeyPairSync("rsa", { modulusLength: 1024 }), "ins_2Weak");
    const encrypts = { ...jwk(key, "ins_2Encrypts"), use: "enc" };
    const wraps = { ...jwk(key, "ins_2Wraps"), use: undefined, key_ops: ["wrapKey"] };
    const unnamed = { ...jwk(key), kid: undefined };
    const future = { kty: "PQC", kid: KID, x: 1 };
    const curve = { ...elliptic.publicKey.export({ format: "jwk" }), kid: KID, alg: "ES256" };
    const [published] = JSON.parse(fixture("jwks.json")).keys;
    const others = [future, curve, weak, encrypts, wraps, unnamed, published];
    answerWith(server, { keys: [...others, jwk(key)], more: true });
  },
  ambiguous: (server) => answerWith(server, { keys: [jwk(key), jwk(makeKey())] }),
  published: (server) => answerWith(server, fixture("jwks.json")),
};

/** Answers with an error. */
export const fail = (_, response) => response.writeHead(500).end("no");

/** Replaces the answer of a server of `serveJwks`. */
export function answerWith(server, body, status = 200, headers = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  server.answer = (_, response) => response.writeHead(status, headers).end(text);
}
