// The session of one request: who is signed in, and the responses if nobody is.

import { unavailableResponse, uncachedResponse } from "../responses.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import type { VerifyResult, Viewer } from "./verifier.ts";

/** How users sign in. */
export interface SignInOptions {
  /**
   * The sign-in page: a path of this site, or a URL such as Clerk's account portal. The parameter
   * `redirect_url` with the requested page is added to it.
   */
  readonly signInUrl: string;
  /**
   * For frameworks whose scripts fetch a page's data and follow redirects, such as React Router:
   * creates the response that makes the browser load a page of this site in full. Pass
   * `redirectDocument` there. If it is missing, scripts get 401, with `renew` in the body.
   */
  readonly reloadDocument?: ((path: string) => Response) | undefined;
}

/** The session of a request. */
export class Session {
  /** The signed-in user, or `null`. */
  readonly viewer: Viewer | null;
  /** Whether loading a page, which redirects to Clerk, may renew the session. */
  readonly isRenewable: boolean;
  readonly #result: VerifyResult;
  readonly #request: IncomingRequest;
  readonly #options: SignInOptions;
  #hasRequestedRenewal = false;

  /** Created by `ClerkSessions`. */
  constructor(result: VerifyResult, request: IncomingRequest, options: SignInOptions) {
    this.viewer = result.kind === "valid" ? result.viewer : null;
    this.isRenewable = result.kind === "handshake";
    this.#result = result;
    this.#request = request;
    this.#options = options;
  }

  /**
   * Returns the signed-in user.
   *
   * @throws {Response} 302 to the sign-in page, if a page was requested. The browser comes back.
   * @throws {Response} 401 with `{"error":"unauthenticated","renew":…}` for all other requests,
   *   because a form cannot be redirected and come back; and if the cookies have sessions of two
   *   users. `renew` is true if loading a page of this site, once, may renew the session.
   * @throws {Response} 503 with `Retry-After` if the session cannot be verified now.
   */
  requireViewer(): Viewer {
    if (this.viewer !== null) return this.viewer;
    if (this.#result.kind === "unavailable") throw unavailableResponse();
    const { isScriptFetch, canShowPage } = this.#request;
    const followsRedirects = isScriptFetch && this.#options.reloadDocument !== undefined;
    const comesBack = canShowPage || followsRedirects;
    // Signing in would not help against the session of a second user.
    if (comesBack && this.#result.kind !== "two-users") throw this.#redirectToSignIn();
    throw this.#unauthenticated();
  }

  /** Whether a response told the client to load a page to renew the session. */
  get hasRequestedRenewal(): boolean {
    return this.#hasRequestedRenewal;
  }

  #redirectToSignIn(): Response {
    const { origin, path } = this.#request;
    const { signInUrl } = this.#options;
    // An external sign-in page needs an absolute URL.
    const isExternal = URL.canParse(signInUrl);
    const query = new URLSearchParams({ redirect_url: isExternal ? origin + path : path });
    const location = `${signInUrl}${signInUrl.includes("?") ? "&" : "?"}${query}`;
    return uncachedResponse(302, null, { location });
  }

  #unauthenticated(): Response {
    const renew = this.isRenewable && this.#request.cookies.mayRenew();
    this.#hasRequestedRenewal ||= renew;
    const body = JSON.stringify({ error: "unauthenticated", renew });
    const headers = { "content-type": "application/json", "www-authenticate": "Bearer" };
    return uncachedResponse(401, body, headers);
  }
}
