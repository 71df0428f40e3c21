// Paths of this site to which a browser is redirected after a handshake. They are rebuilt from
// parsed parts, never copied. The rules are those of `shared::session::redirect`.

/** The longest path, in UTF-16 units; real pages have shorter ones. */
const LENGTH_MAX = 2_048;

/** A base URL that cannot exist (RFC 6761), so no real URL has its origin. */
const BASE = "https://this-site.invalid/";

/** The parameter and cookie that tie a handshake result to a browser. */
export const STATE = "rolecall_asked";

/** The names of the handshake result, as parameters and as cookies. */
export const HANDSHAKE_NAMES = ["__clerk_handshake", "__clerk_handshake_nonce"] as const;

/** The parameter by which a development instance identifies a browser. */
export const DEV_BROWSER = "__clerk_db_jwt";

/**
 * Parameters that a handshake adds, and that are removed afterwards. The last two belong to
 * satellite domains, which are not supported: with a development instance, Clerk's SDK would
 * redirect to any `__clerk_redirect_url`.
 */
const HANDSHAKE_PARAMS: readonly string[] = [
  ...HANDSHAKE_NAMES,
  "__clerk_help",
  DEV_BROWSER,
  "__dev_session",
  STATE,
  "__clerk_synced",
  "__clerk_redirect_url",
];

/**
 * Returns the path and query of `raw` on this site, or `fallback` if it could lead to another site.
 *
 * Browsers read `//evil.example` and `/\evil.example` as another host, and remove tabs and line
 * breaks first. So backslashes, control characters and encoded slashes are rejected.
 */
export function toLocalPath(raw: string | null | undefined, fallback = "/"): string {
  if (typeof raw !== "string" || LENGTH_MAX < raw.length) return fallback;
  if (!raw.startsWith("/") || raw.startsWith("//") || /[\\\p{Cc}]/u.test(raw)) return fallback;
  if (!URL.canParse(raw, BASE)) return fallback;
  const { origin, username, password, pathname, search } = new URL(raw, BASE);
  if (origin !== new URL(BASE).origin || username !== "" || password !== "") return fallback;
  // `/.//evil.example` is normalised to `//evil.example`, which browsers read as a host.
  if (pathname.startsWith("//") || /%2f|%5c/i.test(pathname)) return fallback;
  return `${pathname}${search}`;
}

/** Returns the path and query of a page on this site, without handshake parameters. */
export function pathWithoutHandshake({ pathname, search }: URL): string {
  const parts = search.slice(1).split("&");
  const query = parts.filter((part) => !isHandshakeParam(part)).join("&");
  const path = toLocalPath(pathname);
  // If path and query together are invalid, for example too long, only the path is kept.
  return query === "" ? path : toLocalPath(`${pathname}?${query}`, path);
}

/** Returns whether a URL has handshake parameters. */
export function hasHandshakeParams({ search }: URL): boolean {
  return search.slice(1).split("&").some(isHandshakeParam);
}

/** Checks one part of a query. The name is decoded first, as browsers do. */
function isHandshakeParam(part: string): boolean {
  const [name] = new URLSearchParams(part).keys();
  return name !== undefined && HANDSHAKE_PARAMS.includes(name);
}
