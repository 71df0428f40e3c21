// The `Cookie` header, read as Clerk's SDK reads it, and the cookies of this module's own.

import { ANSWERS, ASKED } from "./way-back.ts";

/** How often a browser was told to load its page again without a session coming of it. */
const RENEWALS = "rolecall_renewals";

/** Seconds within which an answer must come: no longer than the tokens in it live. */
const ASKED_S = 60;

/** Characters in the value of `ASKED`. */
const ASKED_LENGTH_MAX = 64;

/** Seconds after which a browser may try anew. */
const RENEWALS_S = 30;

/** More would be a loop: a clock that is wrong stays so. */
const RENEWALS_MAX = 2;

/** The cookies of a request, and whether they travel by https. */
export class Cookies {
  readonly #parts: readonly string[];
  readonly #isSecure: boolean;

  constructor(header: string | null, isSecure: boolean) {
    this.#parts = (header ?? "").split(";").map((part) => part.trim());
    this.#isSecure = isSecure;
  }

  /** The header with the cookies whose names pass. */
  only(passes: (name: string) => boolean): string {
    return this.#parts.filter((part) => passes(nameOf(part))).join("; ");
  }

  /** How many of Clerk's answers are among them, where they are in production. */
  get answers(): number {
    return this.#parts.filter((part) => ANSWERS.some((name) => name === nameOf(part))).length;
  }

  /** The different values of a cookie, in their order. An empty one is none. */
  values(name: string): string[] {
    const parts = this.#parts.filter((part) => part.includes("=") && nameOf(part) === name);
    return [...new Set(parts.map(cookieValue))].filter((value) => value !== "");
  }

  /** The tokens of all sessions, of whatever instance: those under the names given come first. */
  tokens(first: readonly string[]): ReadonlySet<string> {
    const known = this.#parts.filter((part) => /^__session(_|$)/.test(nameOf(part)));
    const isFirst = (part: string) => first.includes(nameOf(part));
    const parts = [...known.filter(isFirst), ...known.filter((part) => !isFirst(part))];
    return new Set(parts.map(cookieValue).filter((token) => token !== ""));
  }

  /** What this browser was sent away with and still holds. One that comes twice is none. */
  asked(): string | undefined {
    const value = this.#once(this.#own(ASKED));
    if (value === undefined || ASKED_LENGTH_MAX < value.length) return undefined;
    return /^[\da-z-]+$/i.test(value) ? value : undefined;
  }

  /** Keeps what the browser is sent away with; `null` ends it. */
  setAsked(value: string | null): string {
    return this.#line(this.#own(ASKED), value ?? "", value === null ? 0 : ASKED_S);
  }

  /** Whether Clerk's SDK may refresh a session by one of them. */
  get canRefresh(): boolean {
    return this.#parts.some((part) => isRefresh(nameOf(part)));
  }

  /** Ends an answer that came in a cookie, at least where its domain is this one. */
  endAnswers(): string[] {
    return 0 < this.answers ? ANSWERS.map((name) => `${name}=; Path=/; Max-Age=0`) : [];
  }

  /** Whether the page may be loaded again for a session. What cannot be read was too often. */
  mayRenew(): boolean {
    return this.#renewals() < RENEWALS_MAX;
  }

  countRenewal(): string {
    return this.#line(this.#own(RENEWALS), String(this.#renewals() + 1), RENEWALS_S);
  }

  /** Ends the count, if there is any. */
  endRenewals(): string[] {
    const name = this.#own(RENEWALS);
    const isThere = this.#parts.some((part) => nameOf(part) === name);
    return isThere ? [this.#line(name, "", 0)] : [];
  }

  #renewals(): number {
    const name = this.#own(RENEWALS);
    if (!this.#parts.some((part) => nameOf(part) === name)) return 0;
    const value = this.#once(name);
    return value !== undefined && /^\d$/.test(value) ? Number(value) : RENEWALS_MAX;
  }

  #once(name: string): string | undefined {
    const [only, ...others] = this.#parts.filter((part) => nameOf(part) === name);
    return only !== undefined && others.length === 0 ? cookieValue(only) : undefined;
  }

  /**
   * The name of a cookie of this module's own. Where there is https, it is one that no sibling
   * domain can set (RFC 6265bis, section 4.1.3.2).
   */
  #own(name: string): string {
    return this.#isSecure ? `__Host-${name}` : name;
  }

  #line(name: string, value: string, seconds: number): string {
    const secure = this.#isSecure ? "; Secure" : "";
    return `${name}=${value}; Path=/; SameSite=Lax; HttpOnly; Max-Age=${seconds}${secure}`;
  }
}

/** Whether it is a cookie by which Clerk's SDK refreshes a session. */
export function isRefresh(name: string): boolean {
  return name.startsWith("__refresh");
}

function nameOf(part: string): string {
  const [name = ""] = part.split("=", 1);
  return name.trim();
}

function cookieValue(part: string): string {
  return part.slice(part.indexOf("=") + 1).trim();
}
