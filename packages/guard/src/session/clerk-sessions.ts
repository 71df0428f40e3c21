// Serves a request with its session: redirects to Clerk and back, and sets cookies and headers.

import { IncomingRequest } from "./incoming-request.ts";
import { STATE } from "./redirect-path.ts";
import type { SignInOptions } from "./session.ts";
import { Session } from "./session.ts";
import { SessionFinder } from "./session-finder.ts";
import type { ClerkOptions, VerifyResult } from "./verifier.ts";
import { Verifier } from "./verifier.ts";

export interface ClerkSessionsOptions extends ClerkOptions, SignInOptions {}

/** The app's handler: returns the response to a request with a session. */
export type SessionHandler = (session: Session) => Response | Promise<Response>;

/** The request headers on which responses depend. */
const VARY = ["Cookie", "Authorization", "Sec-Fetch-Dest", "Accept"];

/** The sessions of one app, with Clerk's own SDK. */
export class ClerkSessions {
  readonly #options: ClerkSessionsOptions;
  readonly #finder: SessionFinder;

  constructor(options: ClerkSessionsOptions) {
    this.#options = options;
    this.#finder = new SessionFinder(new Verifier(options), options.publishableKey);
  }

  /**
   * Serves a request: redirects to Clerk if that may renew the session, and calls `handler`
   * otherwise. Clerk's cookies are set on every response, and no response may be cached. If
   * `handler` throws a `Response`, that is the response.
   *
   * @throws all other errors that `handler` throws.
   */
  async serve(request: Request, handler: SessionHandler): Promise<Response> {
    const incoming = new IncomingRequest(request);
    const result = await this.#finder.find(incoming);
    const redirect = incoming.isPageLoad
      ? redirectFor(result, incoming)
      : this.#reloadDocument(result, incoming);
    if (redirect !== undefined) return redirect;
    const session = new Session(result, incoming, this.#options);
    const response = await callHandler(session, handler);
    const renewal = session.hasRequestedRenewal ? [incoming.cookies.formatNextRenewal()] : [];
    return finishResponse(response, [...cookiesToSet(result, incoming), ...renewal]);
  }

  /** Has a script's page loaded in full, because only a page load can go to Clerk and back. */
  #reloadDocument(result: VerifyResult, request: IncomingRequest): Response | undefined {
    const { reloadDocument } = this.#options;
    const isRenewable = result.kind === "handshake" && request.isScriptFetch;
    if (!isRenewable || !request.cookies.mayRenew() || reloadDocument === undefined) {
      return undefined;
    }
    return finishResponse(reloadDocument(request.path), [request.cookies.formatNextRenewal()]);
  }
}

/** Creates the sessions of one app. Call it once, and use the result for every request. */
export function createClerkSessions(options: ClerkSessionsOptions): ClerkSessions {
  return new ClerkSessions(options);
}

function redirectFor(result: VerifyResult, request: IncomingRequest): Response | undefined {
  if (result.kind === "handshake") return redirectToClerk(result.url, result.cookies, request);
  return request.hasHandshakeParams ? redirectBack(result, request) : undefined;
}

/** Redirects to Clerk. The return URL and a cookie contain the same random state. */
function redirectToClerk(
  url: URL,
  cookies: readonly string[],
  request: IncomingRequest,
): Response {
  // Two tabs may be redirected at once. They share one state, or one result would be lost.
  const state = request.cookies.readState() ?? crypto.randomUUID();
  const separator = request.path.includes("?") ? "&" : "?";
  const location = new URL(url);
  const returnUrl = `${request.origin}${request.path}${separator}${STATE}=${state}`;
  location.searchParams.set("redirect_url", returnUrl);
  return redirectTo(location.href, [...cookies, request.cookies.formatState(state)]);
}

/** Redirects to the page's own URL. The session is in the cookies now. */
function redirectBack(result: VerifyResult, request: IncomingRequest): Response {
  const deleted = request.hasTrustedHandshake
    ? [request.cookies.formatState(null), ...request.cookies.deleteHandshakes()]
    : [];
  return redirectTo(request.path, [...cookiesToSet(result, request), ...deleted]);
}

function redirectTo(location: string, cookies: readonly string[]): Response {
  return finishResponse(new Response(null, { status: 307, headers: { location } }), cookies);
}

/** Clerk's cookies. None for a handshake that does not take place: its counter must not change. */
function cookiesToSet(result: VerifyResult, request: IncomingRequest): readonly string[] {
  if (result.kind === "handshake") return [];
  if (result.kind !== "valid") return result.cookies;
  return [...result.cookies, ...request.cookies.deleteRenewals()];
}

async function callHandler(session: Session, handler: SessionHandler): Promise<Response> {
  try {
    return await handler(session);
  } catch (thrown) {
    if (thrown instanceof Response) return thrown;
    throw thrown;
  }
}

/** Adds cookies and headers to a copy of the response, because its headers may be immutable. */
function finishResponse(source: Response, cookies: readonly string[]): Response {
  const response = new Response(source.body, source);
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  response.headers.set("cache-control", "private, no-store");
  for (const name of VARY) addVary(response.headers, name);
  return response;
}

function addVary(headers: Headers, name: string): void {
  const present = (headers.get("vary") ?? "").split(",").map((it) => it.trim().toLowerCase());
  if (!present.includes("*") && !present.includes(name.toLowerCase())) {
    headers.append("vary", name);
  }
}
