// Who made a request that changes something: a page of this app, or another site's.

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether another site's page may have made the request. Browsers tell who posts by one of two
 * headers, and both by now; whoever tells neither is no browser, and is refused as well.
 */
export function isForeign(request: Request): boolean {
  if (SAFE.has(request.method)) return false;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (site === null && origin === null) return true;
  const isOwnSite = site === null || site === "same-origin";
  return !isOwnSite || (origin !== null && origin !== new URL(request.url).origin);
}
