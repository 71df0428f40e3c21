// Where to go after signing in: a page of this app, never another site.

/** Longer than any page's address has reason to be. */
const LENGTH_MAX = 2_048;

/**
 * The page that was asked for, as path and query, else `fallback`.
 *
 * Browsers read `//evil.example` and `/\evil.example` as another host, and drop tabs and line ends
 * before they look: what holds a backslash or a control character is not taken.
 */
export function pageAddress(asked: string | null, origin: string, fallback: string): string {
  const isPath = asked !== null && asked.startsWith("/") && !/[\\\p{Cc}]/u.test(asked);
  if (!isPath || LENGTH_MAX < asked.length || !URL.canParse(asked, origin)) return fallback;
  const url = new URL(asked, origin);
  // `/.//evil.example` stays here, but whoever read its path as an address would leave.
  const isHere = url.origin === origin && !url.pathname.startsWith("//");
  return isHere ? `${url.pathname}${url.search}` : fallback;
}
