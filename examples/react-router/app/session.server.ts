// Who is signed in, by Clerk's own SDK. What they may do is asked of the guards, never read here.

import { env } from "cloudflare:workers";
import type { Session, Viewer } from "@rolecall/guard/clerk";
import { sessions } from "@rolecall/guard/clerk";
import type { MiddlewareFunction, RouterContextProvider } from "react-router";
import { createContext, redirectDocument } from "react-router";

/** The part of a loader's or an action's arguments that says who asks. */
interface Asking {
  context: Readonly<RouterContextProvider>;
}

const clerk = sessions({
  publishableKey: env.CLERK_PUBLISHABLE_KEY,
  secretKey: env.CLERK_SECRET_KEY,
  jwtKey: env.CLERK_JWT_KEY,
  proxyUrl: env.CLERK_PROXY_URL,
  authorizedParties: env.AUTHORIZED_PARTIES.split(","),
  signInUrl: "/sign-in",
  // What a page's script asks for is asked for by the page again where that brings a session.
  reload: redirectDocument,
});

const sessionContext = createContext<Session>();

/** Reads the session once for all loaders and actions of a request. */
export const readSession: MiddlewareFunction<Response> = ({ request, context }, next) => {
  return clerk.serve(request, (session) => {
    context.set(sessionContext, session);
    return next();
  });
};

/** Whoever is signed in, or `null`. */
export function viewerOf({ context }: Asking): Viewer | null {
  return context.get(sessionContext).viewer;
}

/**
 * Whoever is signed in. Everyone else is sent to sign in and comes back; a form that was sent
 * cannot come back, so there it is said that nobody is signed in.
 */
export function requireViewer({ context }: Asking): Viewer {
  return context.get(sessionContext).require();
}
