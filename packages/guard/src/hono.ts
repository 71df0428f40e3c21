// `@rolecall/guard/hono`: puts thrown responses and session cookies on Hono's responses. By itself
// Hono skips its middleware when a handler throws a `Response`. Here the response is set earlier,
// so headers from middleware are kept and the code after `next()` runs.

import type { Context, MiddlewareHandler } from "hono";

import type { ClerkSessions, Session } from "./session/index.ts";

/** What the middleware stores in Hono's context. */
export interface SessionVariables {
  readonly session: Session;
}

/**
 * Middleware that returns the `Response` that a guard throws. Use it after all other middleware,
 * for example CORS, and before the routes.
 */
export function catchResponses(): MiddlewareHandler {
  return async (c, next) => {
    const thrown = await catchResponse(next);
    if (thrown !== undefined) setResponse(c, thrown);
  };
}

/**
 * Middleware that finds the session of each request, for `c.get("session")`. It redirects a browser
 * to Clerk if that may renew the session, and sets Clerk's cookies. It also returns the `Response`
 * that a guard throws, as `catchResponses` does.
 */
export function withSession(
  sessions: ClerkSessions,
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async (c, next) => {
    let isHandled = false;
    const response = await sessions.serve(c.req.raw, async (session) => {
      isHandled = true;
      c.set("session", session);
      const thrown = await catchResponse(next);
      if (thrown !== undefined) setResponse(c, thrown);
      return c.res;
    });
    if (isHandled) replaceResponse(c, response);
    else setResponse(c, response);
  };
}

async function catchResponse(next: () => Promise<void>): Promise<Response | undefined> {
  try {
    await next();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Response) return thrown;
    throw thrown;
  }
}

/** Sets the response and keeps the headers that other middleware has set before. */
function setResponse(c: Context, source: Response): void {
  const response = new Response(source.body, source);
  for (const [name, value] of c.res.headers) {
    if (name === "content-type") continue;
    const isList = name === "set-cookie" || name === "vary";
    if (isList) response.headers.append(name, value);
    else if (!response.headers.has(name)) response.headers.set(name, value);
  }
  replaceResponse(c, response);
}

/** Clears `c.res` first: otherwise Hono merges the old headers into the new response. */
function replaceResponse(c: Context, response: Response): void {
  c.res = undefined;
  c.res = response;
}
