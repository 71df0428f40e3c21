// The responses that guards throw. They do not contain the reason.

/** The user lacks access, for any reason. */
export function forbiddenResponse(): Response {
  return uncachedResponse(403, "forbidden");
}

/** It is unknown whether the user has access. */
export function unavailableResponse(): Response {
  return uncachedResponse(503, "unavailable", { "retry-after": "5" });
}

/** Creates a new response each time, because a `Response` can be sent only once. */
export function uncachedResponse(
  status: number,
  text: string | null,
  headers: Record<string, string> = {},
): Response {
  // Guarded routes are never cached: a denial is as personal as the page.
  const all = { "cache-control": "private, no-store", ...headers };
  return new Response(text, { status, headers: all });
}
