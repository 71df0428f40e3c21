// Detects requests from other sites that change something (CSRF).

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Returns whether the request changes something and may come from another site. Current browsers
 * send both headers and older ones send one; a request with neither is rejected.
 */
export function isCrossSiteWrite(request: Request): boolean {
  if (SAFE_METHODS.has(request.method)) return false;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (site === null && origin === null) return true;
  const isSameSite = site === null || site === "same-origin";
  return !isSameSite || (origin !== null && origin !== new URL(request.url).origin);
}
