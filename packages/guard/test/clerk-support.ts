// A fake Clerk instance for its SDK: keys, tokens, handshake results.

import type { KeyObject } from "node:crypto";
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";

// Loaded first: the SDK keeps the `fetch` that it finds when it is loaded.
import "./backend.ts";

import type { ClerkSessionsOptions, SessionHandler } from "../src/session/index.ts";
import { createClerkSessions } from "../src/session/index.ts";

export const ADA = "user_2vX11zP5ojq7cTRY58xT6oJaaaa";
export const MALLORY = "user_2vX11zP5ojq7cTRY58xT6oJmmmm";
export const APP = "https://app.example.com";
const ISSUER = "https://clerk.example.com";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const otherKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

export const OPTIONS: ClerkSessionsOptions = {
  publishableKey: `pk_live_${Buffer.from("clerk.example.com$").toString("base64")}`,
  secretKey: "sk_live_of_the_tests",
  jwtKey: String(publicKey.export({ type: "spki", format: "pem" })),
  authorizedParties: [APP],
  signInUrl: "/sign-in",
};

/** The options of a development instance. */
export const DEVELOPMENT: ClerkSessionsOptions = {
  ...OPTIONS,
  publishableKey: OPTIONS.publishableKey.replace("_live_", "_test_"),
};

export const now = (): number => Math.floor(Date.now() / 1_000);

/** Makes a session token that is valid for a minute. */
export function token(userId: string, claims: object = {}, key?: KeyObject): string {
  const times = { iat: now(), nbf: now() - 10, exp: now() + 60 };
  const whose = { azp: APP, iss: ISSUER, sid: `sess_${userId.slice(5)}`, sub: userId, v: 2 };
  return signed({ ...whose, sts: "active", jti: randomUUID(), ...times, ...claims }, key);
}

/** Makes the result of a handshake: the cookies of a session. */
export function handshakeResult(userId: string, key?: KeyObject, ...more: string[]): string {
  const cookies = [
    ...more,
    `__session=${token(userId)}; Path=/; Secure; SameSite=Lax`,
    `__client_uat=${now() - 100}; Path=/; Secure; SameSite=Lax`,
  ];
  return signed({ handshake: cookies }, key);
}

/** Makes the result of a handshake for a browser that is signed out. */
export function signedOutResult(): string {
  return signed({ handshake: ["__session=; Path=/; Max-Age=0", "__client_uat=0; Path=/"] });
}

function signed(claims: object, key = privateKey): string {
  const header = { alg: "RS256", cat: "cl_B7d4PD111AAA", kid: "ins_1", typ: "JWT" };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

export const PAGE = { accept: "text/html", "sec-fetch-dest": "document" };
export const SCRIPT = { accept: "*/*", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors" };

/** A browser that keeps cookies. */
export class Browser {
  readonly kept = new Map<string, string>();
  readonly #origin: string;

  constructor(cookies: Record<string, string> = {}, origin = APP) {
    this.#origin = origin;
    for (const [name, value] of Object.entries(cookies)) this.kept.set(name, value);
  }

  /** Sends a request, and keeps the cookies of the response. */
  async open(
    where: string,
    handler: SessionHandler = whoIs,
    init: {
      options?: ClerkSessionsOptions;
      headers?: Record<string, string>;
      method?: string;
    } = {},
  ): Promise<Response> {
    const cookie = [...this.kept].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...PAGE, ...(cookie === "" ? {} : { cookie }), ...init.headers };
    const request = new Request(this.#origin + where, { method: init.method ?? "GET", headers });
    const response = await createClerkSessions(init.options ?? OPTIONS).serve(request, handler);
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return response;
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const isOver = value === "" || attributes.includes("Max-Age=0");
    if (isOver) this.kept.delete(name);
    else this.kept.set(name, value);
  }
}

/** A handler that responds with the user id. */
export const whoIs: SessionHandler = ({ viewer }) => new Response(viewer?.userId ?? "nobody");

/** Makes the cookies of a session. */
export function session(userId: string, claims: object = {}): Record<string, string> {
  return { __session: token(userId, claims), __client_uat: String(now() - 1_000) };
}

/** Makes a `Cookie` header that may have a name twice. */
export function cookieOf(pairs: readonly (readonly [string, string | number])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join("; ");
}

/** Returns the suffix of an instance's cookie names. */
export async function suffixOf({ publishableKey }: ClerkSessionsOptions): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(publishableKey));
  return Buffer.from(digest).toString("base64url").slice(0, 8);
}

/** Returns the claims of an expired token. */
export function expired(): object {
  return { iat: now() - 120, nbf: now() - 130, exp: now() - 60 };
}
