// Sessions, with Clerk's own SDK. Roles are checked by the guards, not here.

import { env } from "cloudflare:workers";
import type { Session, Viewer } from "@rolecall/guard/clerk";
import { createClerkSessions } from "@rolecall/guard/clerk";
import type { MiddlewareFunction, RouterContextProvider } from "react-router";
import { createContext, redirectDocument } from "react-router";

/** The part of a loader's or an action's arguments that has the session. */
interface SessionArgs {
  context: Readonly<RouterContextProvider>;
}

const sessions = createClerkSessions({
  publishableKey: env.CLERK_PUBLISHABLE_KEY,
  secretKey: env.CLERK_SECRET_KEY,
  jwtKey: env.CLERK_JWT_KEY,
  proxyUrl: env.CLERK_PROXY_URL,
  authorizedParties: env.AUTHORIZED_PARTIES.split(","),
  signInUrl: "/sign-in",
  // If a page load may renew the session, data requests of React Router load the page in full.
  reloadDocument: redirectDocument,
});

const sessionContext = createContext<Session>();

/** Middleware: reads the session once for all loaders and actions of a request. */
export const readSession: MiddlewareFunction<Response> = ({ request, context }, next) => {
  return sessions.serve(request, (session) => {
    context.set(sessionContext, session);
    return next();
  });
};

/** Returns the signed-in user, or `null`. */
export function getViewer({ context }: SessionArgs): Viewer | null {
  return context.get(sessionContext).viewer;
}

/**
 * Returns the signed-in user. If nobody is signed in, it redirects to the sign-in page. For a
 * posted form it throws 401 instead, because a form cannot be redirected and come back.
 */
export function requireViewer({ context }: SessionArgs): Viewer {
  return context.get(sessionContext).requireViewer();
}
