// For apps whose framework does not answer with a `Response` that was thrown.

/**
 * A handler that answers with the `Response` that `handler` throws. Everything else that it throws
 * is thrown on. React Router and Remix do this themselves; for Hono there is
 * `@rolecall/guard/hono`, for around its `fetch` this would drop what middleware has set.
 */
export function answering<Arguments extends unknown[]>(
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
