// What Clerk's SDK says of a request. It verifies; nothing in here believes a token.

import type { ClerkClient } from "@clerk/backend";
import { createClerkClient } from "@clerk/backend";

import { isImpersonated, userIdFrom } from "../clerk.ts";

/** Whose sessions count, and where Clerk is. */
export interface ClerkOptions {
  /** The instance's, `pk_live_…` or `pk_test_…`. */
  readonly publishableKey: string;
  /** The instance's, `sk_…`. Clerk's SDK exchanges the answer of a detour with it. */
  readonly secretKey: string;
  /** The instance's PEM public key: with it no request is made to verify a session. */
  readonly jwtKey?: string | undefined;
  /** Only where Clerk's frontend API is reached by another address than the key names. */
  readonly proxyUrl?: string | undefined;
  /**
   * The origins whose tokens count, `https://app.example.com`: by the claim `azp`. With none,
   * nobody is signed in.
   */
  readonly authorizedParties: readonly string[];
}

type State = Awaited<ReturnType<ClerkClient["authenticateRequest"]>>;

/** Clerk's auth object of a session. */
export type SessionAuth = Extract<ReturnType<State["toAuth"]>, { isAuthenticated: true }>;

/** Who is signed in. */
export interface Viewer {
  readonly userId: string;
  /** Whether somebody else acts as the user: tell the guards, and say so on every page. */
  readonly impersonated: boolean;
  /** All that Clerk's SDK says of the session. What its claims grant counts for nothing here. */
  readonly auth: SessionAuth;
}

export type Judged =
  /** The session is good. */
  | { readonly is: "in"; readonly viewer: Viewer; readonly cookies: readonly string[] }
  /** Nobody is signed in. `isEmpty`: the cookies that count hold neither a token nor a time. */
  | { readonly is: "out"; readonly cookies: readonly string[]; readonly isEmpty?: boolean }
  /** Clerk may know better: the browser is to go there. */
  | { readonly is: "away"; readonly to: URL; readonly cookies: readonly string[] }
  /** Two users are: a sibling domain can set a second token, and nothing says which is whose. */
  | { readonly is: "two"; readonly cookies: readonly string[] }
  /** It cannot be said: the keys are out of reach, or a setting is wrong. */
  | { readonly is: "unknown"; readonly cookies: readonly string[] };

/** Where Clerk's SDK sends a browser to; anything else is not followed. */
const HANDSHAKE = "/v1/client/handshake";

/** Reasons of the SDK's that say nothing about the session (`TokenVerificationErrorReason`). */
const UNKNOWN: readonly string[] = [
  "jwk-failed-to-resolve",
  "jwk-local-missing",
  "jwk-remote-failed-to-load",
  "jwk-remote-invalid",
  "jwk-remote-missing",
  "secret-key-invalid",
  "unexpected-error",
];

/** The SDK's reason where there is nothing to judge (`AuthErrorReason`). */
const EMPTY = "session-token-and-uat-missing";

/** Cookies of Clerk's own: an answer sets none of the app's, and none that a prefix protects. */
const CLERKS = /^__[a-z][\w-]*=/;

export class Judge {
  readonly #options: ClerkOptions;
  #clerk: ClerkClient | undefined;

  constructor(options: ClerkOptions) {
    this.#options = options;
  }

  /** Says what a request is worth that was made bare. */
  async judge(request: Request): Promise<Judged> {
    try {
      return judgedOf(await this.#ask(request));
    } catch (cause) {
      const isUnset = await this.#fails(new Request(new URL("/", request.url)));
      const detail = cause instanceof Error ? cause.message : String(cause);
      console.warn({ message: "the session cannot be read", detail, unset: isUnset });
      return { is: isUnset ? "unknown" : "out", cookies: [] };
    }
  }

  /** Whether the SDK cannot even read a request that brings nothing: a setting is wrong then. */
  async #fails(nothing: Request): Promise<boolean> {
    try {
      await this.#ask(nothing);
      return false;
    } catch {
      return true;
    }
  }

  #ask(request: Request): Promise<State> {
    const { publishableKey, secretKey, jwtKey = "", proxyUrl = "" } = this.#options;
    const keys = { publishableKey, secretKey, jwtKey, proxyUrl };
    this.#clerk ??= createClerkClient({ ...keys, telemetry: { disabled: true } });
    const parties = this.#options.authorizedParties.map((party) => party.trim());
    // To the SDK no party at all would be any party, and a blank one is nobody.
    const authorizedParties = parties.length === 0 ? [""] : parties;
    return this.#clerk.authenticateRequest(request, { authorizedParties });
  }
}

function judgedOf(state: State): Judged {
  // Only these: with an answer the SDK sets headers of CORS that let any sandboxed frame read.
  const cookies = state.headers.getSetCookie().filter((line) => CLERKS.test(line));
  if (state.status === "handshake") return awayOf(state.headers.get("location"), cookies);
  const auth = state.toAuth();
  const userId = userIdFrom(auth);
  if (auth.isAuthenticated && userId !== null) {
    return { is: "in", viewer: { userId, impersonated: isImpersonated(auth), auth }, cookies };
  }
  const isEmpty = state.reason === EMPTY;
  if (!UNKNOWN.includes(state.reason ?? "")) return { is: "out", cookies, isEmpty };
  console.warn({ message: "the session cannot be known", detail: state.reason });
  return { is: "unknown", cookies };
}

/** A detour, if it is one: where else the SDK might send a browser, nobody is signed in. */
export function awayOf(location: string | null, cookies: readonly string[]): Judged {
  const to = location !== null && URL.canParse(location) ? new URL(location) : undefined;
  if (to?.pathname.endsWith(HANDSHAKE)) return { is: "away", to, cookies };
  console.warn({ message: "the detour leads elsewhere", detail: to?.origin ?? "nowhere" });
  return { is: "out", cookies: [] };
}
