// Which of a request's cookies are its session: each pair that may be one is shown to Clerk's SDK.

import type { Instance } from "./instance.ts";
import { instanceOf } from "./instance.ts";
import type { Judge, Judged } from "./judge.ts";
import { candidatesOf, hasSince, namesOf } from "./pairs.ts";
import { rivalsOf } from "./rivals.ts";
import type { Visit } from "./visit.ts";

/** What a request came to, and by which cookies. */
interface Found {
  readonly pair: string;
  readonly judged: Judged;
}

/** By which the SDK names, on the way to Clerk, the token that it judged. */
const JUDGED = "__session";

/** What counts before what. */
const ORDER: readonly Judged["is"][] = ["in", "away", "unknown", "out"];

export class Seeker {
  readonly #judge: Judge;
  readonly #publishableKey: string;
  #instance: Instance | undefined;

  constructor(judge: Judge, publishableKey: string) {
    this.#judge = judge;
    this.#publishableKey = publishableKey;
  }

  /**
   * First without what came with the address, so that no answer replaces a session that is good;
   * then, if there is none, with it. An answer is taken once, for Clerk gives a nonce's only once.
   */
  async seek(visit: Visit): Promise<Judged> {
    this.#instance ??= await instanceOf(this.#publishableKey);
    const first = await this.#best(visit, this.#instance);
    if (first.judged.is === "in") return this.#alone(first.judged, visit, this.#instance);
    if (!visit.isAnswered && !visit.namesBrowser) return first.judged;
    const told = { answer: visit.isAnswered, devBrowser: true, refresh: false };
    return this.#judge.judge(visit.bare({ pair: first.pair, ...told }));
  }

  /** The first pair that is good, or else the first that Clerk may renew. */
  async #best(visit: Visit, instance: Instance): Promise<Found> {
    const candidates = visit.isPrograms ? [] : candidatesOf(visit.cookies, instance);
    const [whole = "", ...others] = candidates;
    let best = await this.#show(visit, whole);
    if (!(await this.#isSettled(best, visit))) {
      for (const pair of others) {
        // Keys that are out of reach are so for each: all would wait for them.
        if (best.judged.is === "in" || best.judged.is === "unknown") break;
        const next = await this.#show(visit, pair);
        if (ORDER.indexOf(next.judged.is) < ORDER.indexOf(best.judged.is)) best = next;
      }
    }
    // Clerk is asked once, and never while a session is good without.
    const isRefreshed = best.judged.is === "away" && visit.canRefresh;
    return isRefreshed ? this.#show(visit, best.pair, true) : best;
  }

  async #show(visit: Visit, pair: string, refresh = false): Promise<Found> {
    const bare = visit.bare({ pair, answer: false, devBrowser: false, refresh });
    return { pair, judged: await this.#judge.judge(bare) };
  }

  /**
   * Whether no other pair is looked at: the one that counts says of itself that nobody is signed
   * in, or that its session, which is good, is not the browser's any more.
   */
  async #isSettled({ judged, pair }: Found, visit: Visit): Promise<boolean> {
    if (judged.is === "out") return judged.isEmpty === true && hasSince(pair);
    const token = judged.is === "away" ? judged.to.searchParams.get(JUDGED) : null;
    if (token === null) return judged.is === "in";
    const { is } = await this.#judge.judge(visit.withToken(token));
    return is === "in";
  }

  /** The session, unless the cookies hold a good one of another user besides. */
  async #alone(found: Judged & { is: "in" }, visit: Visit, instance: Instance): Promise<Judged> {
    const tokens = visit.isPrograms ? [] : visit.cookies.tokens(namesOf(instance));
    for (const token of rivalsOf(found.viewer, tokens)) {
      const { is } = await this.#judge.judge(visit.withToken(token));
      // What cannot be known is not good: nobody verified it.
      if (is === "in") return { is: "two", cookies: [] };
    }
    return found;
  }
}
