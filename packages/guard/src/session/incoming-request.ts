// A request as it arrived: its kind, its cookies, and the handshake result that it may carry.

import { isPairCookie } from "./candidates.ts";
import { RequestCookies, isRefreshCookie } from "./cookies.ts";
import {
  DEV_BROWSER,
  HANDSHAKE_NAMES,
  STATE,
  hasHandshakeParams,
  pathWithoutHandshake,
} from "./redirect-path.ts";

/** Headers in which a client claims the site's host. They are ignored; only the URL counts. */
const HOST_HEADERS = ["x-forwarded-host", "x-forwarded-proto", "cloudfront-forwarded-proto"];

/** What the SDK's request contains. */
export interface SdkRequestParts {
  /** The session cookies. */
  readonly candidate: string;
  /** Whether to include the handshake result. */
  readonly handshake: boolean;
  /** Whether to include the development browser of the URL. */
  readonly devBrowser: boolean;
  /** Whether to include refresh cookies: the SDK then calls Clerk's API. */
  readonly refresh: boolean;
}

export class IncomingRequest {
  readonly origin: string;
  /** The path and query on this site, without handshake parameters. */
  readonly path: string;
  readonly cookies: RequestCookies;
  /** Whether the URL has handshake parameters, which no page should keep. */
  readonly hasHandshakeParams: boolean;
  readonly #request: Request;
  readonly #url: URL;

  constructor(request: Request) {
    this.#request = request;
    this.#url = new URL(request.url);
    this.origin = this.#url.origin;
    this.path = pathWithoutHandshake(this.#url);
    this.hasHandshakeParams = hasHandshakeParams(this.#url);
    const isSecure = this.#url.protocol === "https:";
    this.cookies = new RequestCookies(request.headers.get("cookie"), isSecure);
  }

  /** Whether the method is GET or HEAD. */
  get #isRead(): boolean {
    return this.#request.method === "GET" || this.#request.method === "HEAD";
  }

  /** Whether a browser loads a page, by the rule of Clerk's SDK: such a request can go to Clerk. */
  get isPageLoad(): boolean {
    return this.#request.method === "GET" && this.#isDocument;
  }

  /** Whether the client can show a page. */
  get canShowPage(): boolean {
    return this.#isRead && this.#isDocument;
  }

  /** Whether a page's script fetches data. */
  get isScriptFetch(): boolean {
    return this.#isRead && this.#request.headers.get("sec-fetch-dest") === "empty";
  }

  /** Whether the header `Authorization` has a token. Then cookies are ignored. */
  get hasHeaderToken(): boolean {
    return hasClerkToken(this.#request.headers.get("authorization") ?? "");
  }

  /** Whether Clerk's SDK may refresh the session with a cookie: only for GET and HEAD. */
  get mayRefresh(): boolean {
    return this.#isRead && this.cookies.hasRefreshCookie;
  }

  /**
   * Whether the request has a handshake result, and this browser was redirected for it. An attacker
   * who makes a link with their own result can set the parameter but not the cookie. A sibling
   * domain can set a result in a cookie, so two such cookies are rejected.
   */
  get hasTrustedHandshake(): boolean {
    const states = this.#url.searchParams.getAll(STATE);
    const isSameState = states.length === 1 && states[0] === this.cookies.readState();
    const hasResult = this.#hasHandshakeInUrl || this.cookies.handshakeCount === 1;
    return this.isPageLoad && isSameState && hasResult;
  }

  /** Whether the URL has a development browser. Only development instances use it. */
  get hasDevBrowser(): boolean {
    return this.isPageLoad && this.#url.searchParams.has(DEV_BROWSER);
  }

  /**
   * Creates the request that Clerk's SDK verifies. It always looks like a page load, so that the
   * SDK says whether a handshake may help. Other parts are included only if `parts` says so.
   */
  toSdkRequest({ candidate, handshake, devBrowser, refresh }: SdkRequestParts): Request {
    const url = new URL(this.path, this.origin);
    const params = [...(handshake ? HANDSHAKE_NAMES : []), ...(devBrowser ? [DEV_BROWSER] : [])];
    for (const name of params) {
      const value = this.#url.searchParams.get(name);
      if (value !== null) url.searchParams.append(name, value);
    }
    const headers = new Headers(this.#request.headers);
    // Without `referer`: satellite domains, the only use of it, are not supported.
    for (const name of [...HOST_HEADERS, "referer"]) headers.delete(name);
    if (!this.hasHeaderToken) headers.delete("authorization");
    headers.set("host", url.host);
    const isHandshakeInCookie = handshake && !this.#hasHandshakeInUrl;
    const isIncluded = (name: string) => {
      if (isPairCookie(name)) return false;
      if (isRefreshCookie(name)) return refresh;
      return isHandshakeInCookie || !HANDSHAKE_NAMES.some((it) => it === name);
    };
    const cookies = [candidate, this.cookies.filterHeader(isIncluded)];
    headers.set("cookie", cookies.filter(Boolean).join("; "));
    headers.set("sec-fetch-dest", this.hasHeaderToken ? "empty" : "document");
    return new Request(url, { headers });
  }

  /** Creates a request with only one token, in the header `Authorization`. */
  toTokenRequest(token: string): Request {
    const headers = { host: this.#url.host, authorization: `Bearer ${token}` };
    return new Request(new URL(this.path, this.origin), { headers });
  }

  get #hasHandshakeInUrl(): boolean {
    return HANDSHAKE_NAMES.some((name) => this.#url.searchParams.has(name));
  }

  get #isDocument(): boolean {
    const dest = this.#request.headers.get("sec-fetch-dest");
    if (dest !== null) return dest === "document" || dest === "iframe";
    return (this.#request.headers.get("accept") ?? "").startsWith("text/html");
  }
}

/**
 * Returns whether Clerk's SDK reads a token from the header `Authorization`: `Bearer` and a token,
 * or a single word (clerk/javascript, `packages/backend/src/tokens/authenticateContext.ts`). The
 * SDK is case-sensitive, so it ignores `bearer`, as it ignores `Basic`.
 */
function hasClerkToken(authorization: string): boolean {
  const [scheme = "", token = ""] = authorization.split(" ", 2);
  return token === "" ? scheme !== "" : scheme === "Bearer";
}
