// The `Cookie` header, parsed as Clerk's SDK parses it, and the cookies that this module sets.

import { HANDSHAKE_NAMES, STATE } from "./redirect-path.ts";

/** The cookie that counts how often a browser was told to renew its session without success. */
const RENEWALS = "rolecall_renewals";

/** How long a handshake may take, in seconds: the lifetime of the tokens in its result. */
const STATE_S = 60;

/** The longest value of `STATE`. */
const STATE_LENGTH_MAX = 64;

/** Seconds until a browser may try to renew again. */
const RENEWALS_S = 30;

/** The limit prevents an endless loop, for example if a clock is wrong. */
const RENEWALS_MAX = 2;

/** The cookies of a request. */
export class RequestCookies {
  readonly #parts: readonly string[];
  readonly #isSecure: boolean;

  constructor(header: string | null, isSecure: boolean) {
    this.#parts = (header ?? "").split(";").map((part) => part.trim());
    this.#isSecure = isSecure;
  }

  /** Returns a `Cookie` header with only the cookies whose names pass. */
  filterHeader(passes: (name: string) => boolean): string {
    return this.#parts.filter((part) => passes(cookieName(part))).join("; ");
  }

  /** The number of cookies with a handshake result. Production instances use cookies for it. */
  get handshakeCount(): number {
    const isHandshake = (part: string) => HANDSHAKE_NAMES.some((it) => it === cookieName(part));
    return this.#parts.filter(isHandshake).length;
  }

  /** Returns the distinct non-empty values of a cookie, in their order. */
  distinctValues(name: string): string[] {
    const parts = this.#parts.filter((part) => part.includes("=") && cookieName(part) === name);
    return [...new Set(parts.map(cookieValue))].filter((value) => value !== "");
  }

  /** Returns the session tokens of all Clerk instances. Those in the named cookies come first. */
  sessionTokens(firstNames: readonly string[]): ReadonlySet<string> {
    const all = this.#parts.filter((part) => /^__session(_|$)/.test(cookieName(part)));
    const isFirst = (part: string) => firstNames.includes(cookieName(part));
    const parts = [...all.filter(isFirst), ...all.filter((part) => !isFirst(part))];
    return new Set(parts.map(cookieValue).filter((token) => token !== ""));
  }

  /** Returns the handshake state of this browser. Duplicate or invalid cookies are ignored. */
  readState(): string | undefined {
    const value = this.#singleValue(this.#prefixedName(STATE));
    if (value === undefined || STATE_LENGTH_MAX < value.length) return undefined;
    return /^[\da-z-]+$/i.test(value) ? value : undefined;
  }

  /** Formats the `Set-Cookie` value of the handshake state. `null` deletes the cookie. */
  formatState(value: string | null): string {
    return this.#format(this.#prefixedName(STATE), value ?? "", value === null ? 0 : STATE_S);
  }

  /** Whether Clerk's SDK may refresh a session with one of the cookies. */
  get hasRefreshCookie(): boolean {
    return this.#parts.some((part) => isRefreshCookie(cookieName(part)));
  }

  /** Deletes handshake cookies. This works if their domain is this host. */
  deleteHandshakes(): string[] {
    return 0 < this.handshakeCount
      ? HANDSHAKE_NAMES.map((name) => `${name}=; Path=/; Max-Age=0`)
      : [];
  }

  /** Returns whether the session may be renewed again. An invalid count gives `false`. */
  mayRenew(): boolean {
    return this.#renewalCount() < RENEWALS_MAX;
  }

  formatNextRenewal(): string {
    return this.#format(this.#prefixedName(RENEWALS), String(this.#renewalCount() + 1), RENEWALS_S);
  }

  /** Deletes the renewal count if there is one. */
  deleteRenewals(): string[] {
    const name = this.#prefixedName(RENEWALS);
    const isPresent = this.#parts.some((part) => cookieName(part) === name);
    return isPresent ? [this.#format(name, "", 0)] : [];
  }

  #renewalCount(): number {
    const name = this.#prefixedName(RENEWALS);
    if (!this.#parts.some((part) => cookieName(part) === name)) return 0;
    const value = this.#singleValue(name);
    return value !== undefined && /^\d$/.test(value) ? Number(value) : RENEWALS_MAX;
  }

  #singleValue(name: string): string | undefined {
    const [only, ...others] = this.#parts.filter((part) => cookieName(part) === name);
    return only !== undefined && others.length === 0 ? cookieValue(only) : undefined;
  }

  /**
   * The name of a cookie that this module sets. With https it has a prefix, so that no sibling
   * domain can set the cookie (RFC 6265bis, section 4.1.3.2).
   */
  #prefixedName(name: string): string {
    return this.#isSecure ? `__Host-${name}` : name;
  }

  #format(name: string, value: string, seconds: number): string {
    const secure = this.#isSecure ? "; Secure" : "";
    return `${name}=${value}; Path=/; SameSite=Lax; HttpOnly; Max-Age=${seconds}${secure}`;
  }
}

/** Returns whether Clerk's SDK refreshes a session with this cookie. */
export function isRefreshCookie(name: string): boolean {
  return name.startsWith("__refresh");
}

function cookieName(part: string): string {
  const [name = ""] = part.split("=", 1);
  return name.trim();
}

function cookieValue(part: string): string {
  return part.slice(part.indexOf("=") + 1).trim();
}
