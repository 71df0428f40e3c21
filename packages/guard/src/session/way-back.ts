// Addresses of this site, rebuilt from what was understood and never copied: where a browser goes
// after a detour. The rules are those of `shared::session::redirect`.

/** UTF-16 units in such an address; longer than any page's has reason to be. */
const LENGTH_MAX = 2_048;

/** A base that cannot exist (RFC 6761), so that nothing outside can have its origin. */
const BASE = "https://this-site.invalid/";

/** By which a browser shows that it was sent away for the answer that it brings. */
export const ASKED = "rolecall_asked";

/** The names under which Clerk's answer comes, as parameters and as cookies. */
export const ANSWERS = ["__clerk_handshake", "__clerk_handshake_nonce"] as const;

/** By which a development instance knows a browser. */
export const DEV_BROWSER = "__clerk_db_jwt";

/**
 * Parameters that the way to Clerk and back adds, and that no page wants to see. The last two are
 * of satellite domains, which are not spoken; in a development instance Clerk's SDK would go
 * wherever `__clerk_redirect_url` says.
 */
const PASSING: readonly string[] = [
  ...ANSWERS,
  "__clerk_help",
  DEV_BROWSER,
  "__dev_session",
  ASKED,
  "__clerk_synced",
  "__clerk_redirect_url",
];

/**
 * The path and the query of `raw` on this site, or `fallback` where it could lead anywhere else.
 *
 * Browsers read `//evil.example` and `/\evil.example` as another host, and drop tabs and line ends
 * before they look. What holds a backslash, a control character or an encoded slash is not taken.
 */
export function localPath(raw: string | null | undefined, fallback = "/"): string {
  if (typeof raw !== "string" || LENGTH_MAX < raw.length) return fallback;
  if (!raw.startsWith("/") || raw.startsWith("//") || /[\\\p{Cc}]/u.test(raw)) return fallback;
  if (!URL.canParse(raw, BASE)) return fallback;
  const { origin, username, password, pathname, search } = new URL(raw, BASE);
  if (origin !== new URL(BASE).origin || username !== "" || password !== "") return fallback;
  // `/.//evil.example` is normalised to `//evil.example`, which a browser takes for a host.
  if (pathname.startsWith("//") || /%2f|%5c/i.test(pathname)) return fallback;
  return `${pathname}${search}`;
}

/** A page's address on this site, without what the way to Clerk and back has added to it. */
export function cleanPath({ pathname, search }: URL): string {
  const parts = search.slice(1).split("&");
  const query = parts.filter((part) => !isPassing(part)).join("&");
  const path = localPath(pathname);
  // What cannot be kept whole is kept without its query.
  return query === "" ? path : localPath(`${pathname}?${query}`, path);
}

/** Whether an address carries any of it. */
export function isOnItsWay({ search }: URL): boolean {
  return search.slice(1).split("&").some(isPassing);
}

/** One parameter of a query, by its name as a browser reads it. */
function isPassing(part: string): boolean {
  const [name] = new URLSearchParams(part).keys();
  return name !== undefined && PASSING.includes(name);
}
