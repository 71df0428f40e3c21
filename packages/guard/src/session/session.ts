// One request's session: who is signed in, and what is said to everybody else.

import { refusal, unavailable } from "../refuse.ts";
import type { Judged, Viewer } from "./judge.ts";
import type { Visit } from "./visit.ts";

/** How people come to be signed in. */
export interface SignInOptions {
  /**
   * Where one signs in: a path of this site, or an address such as that of Clerk's account portal.
   * Either is given `redirect_url`, the page that was asked for.
   */
  readonly signInUrl: string;
  /**
   * For a framework whose scripts fetch a page's data and follow what they are told, as React
   * Router does: the answer that has a page of this site loaded whole, `redirectDocument` there.
   * Left out, a script is told 401, and by `renew` whether loading its page would help.
   */
  readonly reload?: ((path: string) => Response) | undefined;
}

/** What a session came to. */
export class Session {
  /** Who is signed in, or `null`. */
  readonly viewer: Viewer | null;
  /** Whether a page's request would be sent to Clerk, which may know a newer session. */
  readonly lapsed: boolean;
  readonly #judged: Judged;
  readonly #visit: Visit;
  readonly #options: SignInOptions;
  #isToldToRenew = false;

  /** Made by `Sessions`. */
  constructor(judged: Judged, visit: Visit, options: SignInOptions) {
    this.viewer = judged.is === "in" ? judged.viewer : null;
    this.lapsed = judged.is === "away";
    this.#judged = judged;
    this.#visit = visit;
    this.#options = options;
  }

  /**
   * Who is signed in.
   *
   * @throws {Response} 302 to sign in, where a page is asked for; it comes back to the page.
   * @throws {Response} 401 with `{"error":"unauthenticated","renew":…}` everywhere else, for a form
   *   cannot be sent away and come back; and where cookies hold sessions of two users. `renew` says
   *   that loading a page of this site, once, may bring a session.
   * @throws {Response} 503 with `Retry-After` when it cannot be known.
   */
  require(): Viewer {
    if (this.viewer !== null) return this.viewer;
    if (this.#judged.is === "unknown") throw unavailable();
    const followsRedirects = this.#visit.isScripts && this.#options.reload !== undefined;
    const comesBack = this.#visit.isShown || followsRedirects;
    // Of two users who are signed in, none comes back from there as one.
    if (comesBack && this.#judged.is !== "two") throw this.#toSignIn();
    throw this.#unauthenticated();
  }

  /** Whether the answer told its reader to load a page for a session. */
  get isToldToRenew(): boolean {
    return this.#isToldToRenew;
  }

  #toSignIn(): Response {
    const { origin, path } = this.#visit;
    const { signInUrl } = this.#options;
    // Another site is told a whole address, this one a path.
    const isElsewhere = URL.canParse(signInUrl);
    const query = new URLSearchParams({ redirect_url: isElsewhere ? origin + path : path });
    const location = `${signInUrl}${signInUrl.includes("?") ? "&" : "?"}${query}`;
    return refusal(302, null, { location });
  }

  #unauthenticated(): Response {
    const renew = this.lapsed && this.#visit.cookies.mayRenew();
    this.#isToldToRenew ||= renew;
    const body = JSON.stringify({ error: "unauthenticated", renew });
    const headers = { "content-type": "application/json", "www-authenticate": "Bearer" };
    return refusal(401, body, headers);
  }
}
