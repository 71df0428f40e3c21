// From a request to its session: detours over Clerk, ways back, and what stands on every answer.

import type { ClerkOptions, Judged } from "./judge.ts";
import { Judge } from "./judge.ts";
import { Seeker } from "./seek.ts";
import type { SignInOptions } from "./session.ts";
import { Session } from "./session.ts";
import { Visit } from "./visit.ts";
import { ASKED } from "./way-back.ts";

export interface SessionsOptions extends ClerkOptions, SignInOptions {}

/** What makes the answer to a request of a known session. */
export type Handler = (session: Session) => Response | Promise<Response>;

/** By which headers the answers to one address differ. */
const VARY = ["Cookie", "Authorization", "Sec-Fetch-Dest", "Accept"];

/** Sessions by Clerk's own SDK, for one app. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #seeker: Seeker;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#seeker = new Seeker(new Judge(options), options.publishableKey);
  }

  /**
   * Answers a request: with a detour over Clerk where that may bring a session, with `handler`
   * everywhere else. What Clerk wants set is set on the answer, whichever it is, and nobody may
   * store it. A `Response` that `handler` throws is its answer.
   *
   * @throws whatever else `handler` throws.
   */
  async serve(request: Request, handler: Handler): Promise<Response> {
    const visit = new Visit(request);
    const judged = await this.#seeker.seek(visit);
    const detour = visit.isPage ? detourOf(judged, visit) : this.#reload(judged, visit);
    if (detour !== undefined) return detour;
    const session = new Session(judged, visit, this.#options);
    const answer = await answerOf(session, handler);
    const count = session.isToldToRenew ? [visit.cookies.countRenewal()] : [];
    return finished(answer, [...sessionCookies(judged, visit), ...count]);
  }

  /** Only a page can take the detour, so what a script asks for is asked for by a page again. */
  #reload(judged: Judged, visit: Visit): Response | undefined {
    const { reload } = this.#options;
    const isDue = judged.is === "away" && visit.isScripts && visit.cookies.mayRenew();
    if (!isDue || reload === undefined) return undefined;
    return finished(reload(visit.path), [visit.cookies.countRenewal()]);
  }
}

/** Sessions by Clerk's own SDK, for one app: made once, and asked for each request. */
export function sessions(options: SessionsOptions): Sessions {
  return new Sessions(options);
}

function detourOf(judged: Judged, visit: Visit): Response | undefined {
  if (judged.is === "away") return away(judged.to, judged.cookies, visit);
  return visit.isOnItsWay ? comeBack(judged, visit) : undefined;
}

/** Sends a browser to Clerk, from where it comes back to its page with what ties the answer. */
function away(to: URL, cookies: readonly string[], visit: Visit): Response {
  // Two tabs that are sent away at once would spoil each other's answers with two values.
  const asked = visit.cookies.asked() ?? crypto.randomUUID();
  const separator = visit.path.includes("?") ? "&" : "?";
  const location = new URL(to);
  const back = `${visit.origin}${visit.path}${separator}${ASKED}=${asked}`;
  location.searchParams.set("redirect_url", back);
  return redirectTo(location.href, [...cookies, visit.cookies.setAsked(asked)]);
}

/** To the page's own address. What an answer has brought is in the cookies by then. */
function comeBack(judged: Judged, visit: Visit): Response {
  const ended = visit.isAnswered
    ? [visit.cookies.setAsked(null), ...visit.cookies.endAnswers()]
    : [];
  return redirectTo(visit.path, [...sessionCookies(judged, visit), ...ended]);
}

function redirectTo(location: string, cookies: readonly string[]): Response {
  return finished(new Response(null, { status: 307, headers: { location } }), cookies);
}

/** What Clerk wants set. Where the browser is not sent away, no trip of it is counted. */
function sessionCookies(judged: Judged, visit: Visit): readonly string[] {
  if (judged.is === "away") return [];
  return judged.is === "in" ? [...judged.cookies, ...visit.cookies.endRenewals()] : judged.cookies;
}

async function answerOf(session: Session, handler: Handler): Promise<Response> {
  try {
    return await handler(session);
  } catch (thrown) {
    if (thrown instanceof Response) return thrown;
    throw thrown;
  }
}

/** The answer with what stands on each. It is copied, for its headers may be unchangeable. */
function finished(answer: Response, cookies: readonly string[]): Response {
  const response = new Response(answer.body, answer);
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  response.headers.set("cache-control", "private, no-store");
  for (const name of VARY) vary(response.headers, name);
  return response;
}

function vary(headers: Headers, name: string): void {
  const named = (headers.get("vary") ?? "").split(",").map((one) => one.trim().toLowerCase());
  if (!named.includes("*") && !named.includes(name.toLowerCase())) headers.append("vary", name);
}
