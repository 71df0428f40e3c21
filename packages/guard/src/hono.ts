// `@rolecall/guard/hono`: what guards throw and what sessions set, on Hono's answers. Hono hands a
// `Response` that is thrown past its middleware; here it is answered before, so that what they
// have set stays and what they do afterwards is done.

import type { Context, MiddlewareHandler } from "hono";

import type { Session, Sessions } from "./session/index.ts";

/** What the middleware leaves in Hono's context. */
export interface SessionVariables {
  readonly session: Session;
}

/**
 * Answers with what a guard below throws. Use it behind all other middleware, that of CORS for
 * instance, and before the routes.
 */
export function guarded(): MiddlewareHandler {
  return async (c, next) => {
    const thrown = await thrownBy(next);
    if (thrown !== undefined) answerWith(c, thrown);
  };
}

/**
 * Reads the session of each request, sends a browser over Clerk where that may bring one, and sets
 * what Clerk wants set; `c.get("session")` has it. Answers with what a guard throws, as `guarded`.
 */
export function withSession(
  sessions: Sessions,
): MiddlewareHandler<{ Variables: SessionVariables }> {
  return async (c, next) => {
    let isHandled = false;
    const answer = await sessions.serve(c.req.raw, async (session) => {
      isHandled = true;
      c.set("session", session);
      const thrown = await thrownBy(next);
      if (thrown !== undefined) answerWith(c, thrown);
      return c.res;
    });
    if (isHandled) replace(c, answer);
    else answerWith(c, answer);
  };
}

async function thrownBy(next: () => Promise<void>): Promise<Response | undefined> {
  try {
    await next();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Response) return thrown;
    throw thrown;
  }
}

/** Answers with a response of its own, and the headers that other middleware has set before. */
function answerWith(c: Context, answer: Response): void {
  const response = new Response(answer.body, answer);
  for (const [name, value] of c.res.headers) {
    if (name === "content-type") continue;
    const isList = name === "set-cookie" || name === "vary";
    if (isList) response.headers.append(name, value);
    else if (!response.headers.has(name)) response.headers.set(name, value);
  }
  replace(c, response);
}

/** In two steps, for Hono puts the older answer's headers over the newer one's. */
function replace(c: Context, answer: Response): void {
  c.res = undefined;
  c.res = answer;
}
