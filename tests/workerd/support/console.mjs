// The console in tests: its settings, and assertions as Cloudflare Access makes them.

import { randomUUID } from "node:crypto";

import { KID, compact } from "./sessions.mjs";
import { wire } from "./wire.mjs";

/** The host that the tests ask for, and the console's origin there. */
export const HOST = "console.example.com";
export const ORIGIN = `http://${HOST}`;

/** The tag of the Access application. */
export const AUD = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

export const TOKEN = "operator-0123456789-0123456789-0123456789";
export const SECOND_TOKEN = "second-0123456789-0123456789-0123456789";
export const METRICS_TOKEN = "metrics-0123456789-0123456789-0123456789";

/** An e-mail address that may change things, and one that may look. */
export const OPERATOR = "ada@example.com";
export const LOOKER = "eve@example.com";

/** Settings with everything; `team` is the origin of the team's keys. */
export const settingsOf = (team) => ({
  ACCESS_TEAM_DOMAIN: team,
  ACCESS_AUD: AUD,
  OPERATORS: `Ada@example.com, bob@example.com`,
  OPERATOR_TOKEN: `${TOKEN} ${SECOND_TOKEN}`,
  METRICS_TOKEN,
});

/** The claims of a valid assertion; `claims` override them, `undefined` removes one. */
export function assertionClaims(team, claims = {}) {
  const iat = Math.floor(Date.now() / 1000);
  return {
    aud: [AUD], email: OPERATOR, exp: iat + 60, iat, nbf: iat, iss: team, type: "app",
    identity_nonce: "0123456789abcdef", sub: randomUUID(), country: "DE", ...claims,
  };
}

/** The header of an assertion: Access writes no more. */
export const ASSERTION_HEADER = { alg: "RS256", kid: KID };

/** An assertion, signed with this run's key. */
export function assertion(team, claims = {}, how = {}) {
  return compact({ ...ASSERTION_HEADER, ...how.header }, assertionClaims(team, claims), how);
}

/** The header that carries it. */
export const withAssertion = (token) => ({ "cf-access-jwt-assertion": token });

/** Sends a request to the console's own socket. */
export function ask(url, path, { headers = {}, ...how } = {}) {
  return wire(url, path, { ...how, headers: { host: HOST, ...headers } });
}

/** The headers of a browser on the console's own page. */
export const SAME_ORIGIN = { origin: ORIGIN, "sec-fetch-site": "same-origin" };
