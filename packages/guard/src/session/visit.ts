// A request as it came: what asks, from where, and what it brings back from Clerk.

import { Cookies, isRefresh } from "./cookies.ts";
import { isOfPair } from "./pairs.ts";
import { ANSWERS, ASKED, DEV_BROWSER, cleanPath, isOnItsWay } from "./way-back.ts";

/** Headers by which a client says where it reached this site. The address alone says it here. */
const HOSTS = ["x-forwarded-host", "x-forwarded-proto", "cloudfront-forwarded-proto"];

/** What is told to Clerk's SDK. */
export interface Told {
  /** The cookies of a session. */
  readonly pair: string;
  /** Whether the answer that the request brings counts. */
  readonly answer: boolean;
  /** Whether the browser is the one that the address names. */
  readonly devBrowser: boolean;
  /** Whether the SDK may refresh the session by a cookie: it asks Clerk then. */
  readonly refresh: boolean;
}

export class Visit {
  readonly origin: string;
  /** The path and the query on this site, without what the detour added. */
  readonly path: string;
  readonly cookies: Cookies;
  /** Whether the address has something that no page should keep. */
  readonly isOnItsWay: boolean;
  readonly #request: Request;
  readonly #url: URL;

  constructor(request: Request) {
    this.#request = request;
    this.#url = new URL(request.url);
    this.origin = this.#url.origin;
    this.path = cleanPath(this.#url);
    this.isOnItsWay = isOnItsWay(this.#url);
    const isSecure = this.#url.protocol === "https:";
    this.cookies = new Cookies(request.headers.get("cookie"), isSecure);
  }

  /** Whether something is read: a form cannot be sent away and come back. */
  get isRead(): boolean {
    return this.#request.method === "GET" || this.#request.method === "HEAD";
  }

  /** Whether a browser asks for a page, by the rule of Clerk's SDK: one that can be sent away. */
  get isPage(): boolean {
    return this.#request.method === "GET" && this.#isDocument;
  }

  /** Whether who asks can be shown a page. */
  get isShown(): boolean {
    return this.isRead && this.#isDocument;
  }

  /** Whether a page's script asks for data. */
  get isScripts(): boolean {
    return this.isRead && this.#request.headers.get("sec-fetch-dest") === "empty";
  }

  /** Whether a program asks with a token of its own: no cookie counts. */
  get isPrograms(): boolean {
    return hasToken(this.#request.headers.get("authorization") ?? "");
  }

  /** Whether Clerk's SDK may refresh a session by a cookie: only where something is read. */
  get canRefresh(): boolean {
    return this.isRead && this.cookies.canRefresh;
  }

  /**
   * Whether the request brings an answer, and this browser was sent away for it. Who makes a link
   * with an answer of their own can write the parameter and not the cookie. A sibling domain can
   * set an answer in a cookie: it does not count beside another.
   */
  get isAnswered(): boolean {
    const back = this.#url.searchParams.getAll(ASKED);
    const isTied = back.length === 1 && back[0] === this.cookies.asked();
    return this.isPage && isTied && (this.#hasAnswer || this.cookies.answers === 1);
  }

  /** Whether the address names the browser, as it does with a development instance. */
  get namesBrowser(): boolean {
    return this.isPage && this.#url.searchParams.has(DEV_BROWSER);
  }

  /**
   * The request that Clerk's SDK judges. Each is shown to it as a page's, so that it says whether a
   * detour would help; what a detour needs besides is left out unless it is told.
   */
  bare({ pair, answer, devBrowser, refresh }: Told): Request {
    const url = new URL(this.path, this.origin);
    const taken = [...(answer ? ANSWERS : []), ...(devBrowser ? [DEV_BROWSER] : [])];
    for (const name of taken) {
      const value = this.#url.searchParams.get(name);
      if (value !== null) url.searchParams.append(name, value);
    }
    const headers = new Headers(this.#request.headers);
    // A page of another site that links here is none of a satellite's, which are not spoken.
    for (const name of [...HOSTS, "referer"]) headers.delete(name);
    if (!this.isPrograms) headers.delete("authorization");
    headers.set("host", url.host);
    const inCookie = answer && !this.#hasAnswer;
    const isShared = (name: string) => {
      if (isOfPair(name)) return false;
      if (isRefresh(name)) return refresh;
      return inCookie || !ANSWERS.some((one) => one === name);
    };
    headers.set("cookie", [pair, this.cookies.only(isShared)].filter(Boolean).join("; "));
    headers.set("sec-fetch-dest", this.isPrograms ? "empty" : "document");
    return new Request(url, { headers });
  }

  /** The request with one token alone, as a program would send it. */
  withToken(token: string): Request {
    const headers = { host: this.#url.host, authorization: `Bearer ${token}` };
    return new Request(new URL(this.path, this.origin), { headers });
  }

  /** Whether an answer is in the address. */
  get #hasAnswer(): boolean {
    return ANSWERS.some((name) => this.#url.searchParams.has(name));
  }

  get #isDocument(): boolean {
    const dest = this.#request.headers.get("sec-fetch-dest");
    if (dest !== null) return dest === "document" || dest === "iframe";
    return (this.#request.headers.get("accept") ?? "").startsWith("text/html");
  }
}

/**
 * Whether Clerk's SDK takes a token from the header `Authorization`: behind `Bearer` and a space,
 * or one word alone (clerk/javascript, `packages/backend/src/tokens/authenticateContext.ts`). It
 * minds the case, so `bearer` is somebody else's scheme, as `Basic` is.
 */
function hasToken(authorization: string): boolean {
  const [scheme = "", token = ""] = authorization.split(" ", 2);
  return token === "" ? scheme !== "" : scheme === "Bearer";
}
