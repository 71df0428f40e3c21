// Finds the session of a request: has Clerk's SDK verify the candidates one by one.

import { hasClientUat, listCandidates, sessionCookieNames } from "./candidates.ts";
import type { ClerkInstance } from "./clerk-instance.ts";
import { parsePublishableKey } from "./clerk-instance.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import { findOtherUsersTokens } from "./other-users.ts";
import type { Verifier, VerifyResult } from "./verifier.ts";

/** A candidate and its result. */
interface CandidateResult {
  readonly candidate: string;
  readonly result: VerifyResult;
}

/** The parameter of the handshake URL in which the SDK passes the token that it verified. */
const TOKEN_PARAM = "__session";

/** The results, the best first. */
const PREFERENCE: readonly VerifyResult["kind"][] = [
  "valid",
  "handshake",
  "unavailable",
  "signed-out",
];

export class SessionFinder {
  readonly #verifier: Verifier;
  readonly #publishableKey: string;
  #instance: ClerkInstance | undefined;

  constructor(verifier: Verifier, publishableKey: string) {
    this.#verifier = verifier;
    this.#publishableKey = publishableKey;
  }

  /**
   * Verifies the cookies first without the handshake result, so that it never replaces a valid
   * session. If there is no valid session, it verifies with the result. That happens only once,
   * because Clerk accepts a nonce only once.
   */
  async find(request: IncomingRequest): Promise<VerifyResult> {
    this.#instance ??= await parsePublishableKey(this.#publishableKey);
    const { candidate, result } = await this.#findBest(request, this.#instance);
    if (result.kind === "valid") return this.#rejectTwoUsers(result, request, this.#instance);
    if (!request.hasTrustedHandshake && !request.hasDevBrowser) return result;
    const include = { handshake: request.hasTrustedHandshake, devBrowser: true, refresh: false };
    return this.#verifier.verify(request.toSdkRequest({ candidate, ...include }));
  }

  /** Returns the first valid candidate, or else the first that a handshake may renew. */
  async #findBest(request: IncomingRequest, instance: ClerkInstance): Promise<CandidateResult> {
    const candidates = request.hasHeaderToken ? [] : listCandidates(request.cookies, instance);
    const [first = "", ...others] = candidates;
    let best = await this.#verifyCandidate(request, first);
    if (!(await this.#isDecisive(best, request))) {
      for (const candidate of others) {
        // If the keys are unavailable for one, they are for all: do not wait again.
        if (best.result.kind === "valid" || best.result.kind === "unavailable") break;
        const next = await this.#verifyCandidate(request, candidate);
        const isBetter =
          PREFERENCE.indexOf(next.result.kind) < PREFERENCE.indexOf(best.result.kind);
        if (isBetter) best = next;
      }
    }
    // Clerk's API is called at most once, and never if a candidate is valid without it.
    const mayRefresh = best.result.kind === "handshake" && request.mayRefresh;
    return mayRefresh ? this.#verifyCandidate(request, best.candidate, true) : best;
  }

  async #verifyCandidate(
    request: IncomingRequest,
    candidate: string,
    refresh = false,
  ): Promise<CandidateResult> {
    const include = { handshake: false, devBrowser: false, refresh };
    const sdkRequest = request.toSdkRequest({ candidate, ...include });
    return { candidate, result: await this.#verifier.verify(sdkRequest) };
  }

  /**
   * Returns whether the other candidates can be skipped: the first one says that nobody is signed
   * in, or its token is valid but older than `__client_uat`.
   */
  async #isDecisive(first: CandidateResult, request: IncomingRequest): Promise<boolean> {
    const { candidate, result } = first;
    if (result.kind === "signed-out") return result.isEmpty === true && hasClientUat(candidate);
    const token = result.kind === "handshake" ? result.url.searchParams.get(TOKEN_PARAM) : null;
    if (token === null) return result.kind === "valid";
    const { kind } = await this.#verifier.verify(request.toTokenRequest(token));
    return kind === "valid";
  }

  /** Returns the session, unless the cookies also have a valid session of another user. */
  async #rejectTwoUsers(
    session: VerifyResult & { kind: "valid" },
    request: IncomingRequest,
    instance: ClerkInstance,
  ): Promise<VerifyResult> {
    const names = sessionCookieNames(instance);
    const tokens = request.hasHeaderToken ? [] : request.cookies.sessionTokens(names);
    for (const token of findOtherUsersTokens(session.viewer, tokens)) {
      const { kind } = await this.#verifier.verify(request.toTokenRequest(token));
      // `unavailable` does not count: that token was not verified.
      if (kind === "valid") return { kind: "two-users", cookies: [] };
    }
    return session;
  }
}
