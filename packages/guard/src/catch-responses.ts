// For apps whose framework does not return a `Response` that a handler throws.

/**
 * Wraps a handler: a `Response` that it throws becomes its return value. Other errors are thrown
 * again. React Router and Remix do this themselves. For Hono use `@rolecall/guard/hono`: around
 * Hono's `fetch` this function would lose the headers that middleware has set.
 */
export function catchResponses<Arguments extends unknown[]>(
  handler: (...args: Arguments) => Response | Promise<Response>,
): (...args: Arguments) => Promise<Response> {
  return async (...args) => {
    try {
      return await handler(...args);
    } catch (thrown) {
      if (thrown instanceof Response) return thrown;
      throw thrown;
    }
  };
}
