// What is thrown at those who do not get what they asked for. The reason stays inside.

/** They may not have it, whatever the reason. */
export function forbidden(): Response {
  return refusal(403, "forbidden");
}

/** It cannot be known whether they may. */
export function unavailable(): Response {
  return refusal(503, "unavailable", { "retry-after": "5" });
}

/** A `Response` can be sent once, so each refusal is a new one. */
export function refusal(
  status: number,
  text: string | null,
  headers: Record<string, string> = {},
): Response {
  // Under a guard nothing is cached: a refusal is as personal as the page.
  const all = { "cache-control": "private, no-store", ...headers };
  return new Response(text, { status, headers: all });
}
