// Calls Clerk's SDK to verify a request. No token is trusted before the SDK has verified it.

import type { ClerkClient } from "@clerk/backend";
import { createClerkClient } from "@clerk/backend";

import { getUserId, isImpersonated } from "../clerk.ts";

/** The Clerk instance, and the origins whose sessions are accepted. */
export interface ClerkOptions {
  /** The instance's publishable key, `pk_live_…` or `pk_test_…`. */
  readonly publishableKey: string;
  /** The instance's secret key, `sk_…`. Clerk's SDK exchanges handshake nonces with it. */
  readonly secretKey: string;
  /** The instance's PEM public key. With it, no network request is needed to verify a session. */
  readonly jwtKey?: string | undefined;
  /** Set this only if Clerk's frontend API has a URL other than the one in the publishable key. */
  readonly proxyUrl?: string | undefined;
  /**
   * The accepted origins, compared with the claim `azp`: `https://app.example.com`. If the list is
   * empty, nobody is signed in.
   */
  readonly authorizedParties: readonly string[];
}

type RequestState = Awaited<ReturnType<ClerkClient["authenticateRequest"]>>;

/** Clerk's auth object of a session. */
export type SessionAuth = Extract<ReturnType<RequestState["toAuth"]>, { isAuthenticated: true }>;

/** The signed-in user. */
export interface Viewer {
  readonly userId: string;
  /** Whether somebody else acts as the user: pass it to the guards, and show it on every page. */
  readonly impersonated: boolean;
  /** Clerk's auth object. Roles and permissions in its claims are not used here. */
  readonly auth: SessionAuth;
}

/** The result of verifying a request. `cookies` are the `Set-Cookie` values of the SDK. */
export type VerifyResult =
  /** The session is valid. */
  | { readonly kind: "valid"; readonly viewer: Viewer; readonly cookies: readonly string[] }
  /** Nobody is signed in. `isEmpty`: there is neither a token nor a `__client_uat`. */
  | { readonly kind: "signed-out"; readonly cookies: readonly string[]; readonly isEmpty?: boolean }
  /** Clerk may have a newer session: redirect the browser to `url`. */
  | { readonly kind: "handshake"; readonly url: URL; readonly cookies: readonly string[] }
  /** Valid sessions of two users: a sibling domain can set the second, so both are rejected. */
  | { readonly kind: "two-users"; readonly cookies: readonly string[] }
  /** Unknown: Clerk's keys are unavailable, or a setting is wrong. */
  | { readonly kind: "unavailable"; readonly cookies: readonly string[] };

/** The path of Clerk's handshake. Redirects to other paths are not followed. */
const HANDSHAKE_PATH = "/v1/client/handshake";

/** The SDK's reasons that say nothing about the session (`TokenVerificationErrorReason`). */
const UNAVAILABLE_REASONS: readonly string[] = [
  "jwk-failed-to-resolve",
  "jwk-local-missing",
  "jwk-remote-failed-to-load",
  "jwk-remote-invalid",
  "jwk-remote-missing",
  "secret-key-invalid",
  "unexpected-error",
];

/** The SDK's reason if there is nothing to verify (`AuthErrorReason`). */
const EMPTY_REASON = "session-token-and-uat-missing";

/** Clerk's own cookies. The SDK may not set the app's cookies or cookies with a secure prefix. */
const CLERK_COOKIE = /^__[a-z][\w-]*=/;

export class Verifier {
  readonly #options: ClerkOptions;
  #clerk: ClerkClient | undefined;

  constructor(options: ClerkOptions) {
    this.#options = options;
  }

  /** Verifies a request that `IncomingRequest` has prepared for the SDK. */
  async verify(request: Request): Promise<VerifyResult> {
    try {
      return toResult(await this.#authenticate(request));
    } catch (cause) {
      const isMisconfigured = await this.#fails(new Request(new URL("/", request.url)));
      const detail = cause instanceof Error ? cause.message : String(cause);
      console.warn({ message: "session malformed", detail, misconfigured: isMisconfigured });
      return { kind: isMisconfigured ? "unavailable" : "signed-out", cookies: [] };
    }
  }

  /** Returns whether the SDK fails even on an empty request: then a setting is wrong. */
  async #fails(emptyRequest: Request): Promise<boolean> {
    try {
      await this.#authenticate(emptyRequest);
      return false;
    } catch {
      return true;
    }
  }

  #authenticate(request: Request): Promise<RequestState> {
    const { publishableKey, secretKey, jwtKey = "", proxyUrl = "" } = this.#options;
    const keys = { publishableKey, secretKey, jwtKey, proxyUrl };
    this.#clerk ??= createClerkClient({ ...keys, telemetry: { disabled: true } });
    const parties = this.#options.authorizedParties.map((party) => party.trim());
    // The SDK takes an empty list as "every party". A blank entry matches no party.
    const authorizedParties = parties.length === 0 ? [""] : parties;
    return this.#clerk.authenticateRequest(request, { authorizedParties });
  }
}

function toResult(state: RequestState): VerifyResult {
  // Only Clerk's cookies: the SDK also sets CORS headers that let any sandboxed frame read.
  const cookies = state.headers.getSetCookie().filter((line) => CLERK_COOKIE.test(line));
  if (state.status === "handshake") return toHandshake(state.headers.get("location"), cookies);
  const auth = state.toAuth();
  const userId = getUserId(auth);
  if (auth.isAuthenticated && userId !== null) {
    return { kind: "valid", viewer: { userId, impersonated: isImpersonated(auth), auth }, cookies };
  }
  const isEmpty = state.reason === EMPTY_REASON;
  if (!UNAVAILABLE_REASONS.includes(state.reason ?? "")) {
    return { kind: "signed-out", cookies, isEmpty };
  }
  console.warn({ message: "session verification unavailable", detail: state.reason });
  return { kind: "unavailable", cookies };
}

/** Returns a handshake if the SDK redirects to Clerk. For other URLs nobody is signed in. */
export function toHandshake(location: string | null, cookies: readonly string[]): VerifyResult {
  const url = location !== null && URL.canParse(location) ? new URL(location) : undefined;
  if (url?.pathname.endsWith(HANDSHAKE_PATH)) return { kind: "handshake", url, cookies };
  console.warn({ message: "unexpected handshake URL", detail: url?.origin ?? "none" });
  return { kind: "signed-out", cookies: [] };
}
