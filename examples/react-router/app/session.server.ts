// Who is signed in, by Clerk's own SDK. What they may do is asked of the guards, never read here.

import { createClerkClient } from "@clerk/backend";
import type { ClerkClient } from "@clerk/backend";
import { isImpersonated, userIdFrom } from "@rolecall/guard";
import { env } from "cloudflare:workers";
import { createContext, redirect, redirectDocument } from "react-router";
import type { MiddlewareFunction, RouterContextProvider } from "react-router";

/** Whoever is signed in. */
export interface Viewer {
  userId: string;
  /** Whether somebody else acts as the user. */
  impersonated: boolean;
}

/** The part of a loader's or an action's arguments that says who asks. */
interface Asking {
  request: Request;
  context: Readonly<RouterContextProvider>;
}

/** What Clerk adds to the address on the way back, where it cannot set cookies itself. */
const ANSWER = "__clerk_handshake";

const viewerContext = createContext<Viewer | null>(null);

/** Reads the session once for all loaders and actions of a request. */
export const readSession: MiddlewareFunction<Response> = async ({ request, context }, next) => {
  const state = await authenticate(request);
  if (state === null) return next();
  // A session that has just lapsed is renewed by a detour over Clerk.
  if (state.headers.has("location")) {
    return new Response(null, { status: 307, headers: state.headers });
  }
  const url = new URL(request.url);
  // The way back from it: its answer is in the cookies by now, and not for the address to keep.
  if (request.method === "GET" && url.searchParams.has(ANSWER)) {
    url.searchParams.delete(ANSWER);
    state.headers.set("location", `${url.pathname}${url.search}`);
    return new Response(null, { status: 307, headers: state.headers });
  }
  // Only a page can take the detour, so a script's request for data is made again as a page's.
  const isScripts = request.headers.get("sec-fetch-dest") === "empty";
  if (isScripts && request.method === "GET" && hasLapsed(state)) {
    return redirectDocument(`${url.pathname}${url.search}`);
  }
  const auth = state.toAuth();
  const userId = userIdFrom(auth);
  if (userId !== null) context.set(viewerContext, { userId, impersonated: isImpersonated(auth) });
  const response = await next();
  for (const cookie of state.headers.getSetCookie()) response.headers.append("set-cookie", cookie);
  return response;
};

/** Whoever is signed in, or `null`. */
export function viewerOf({ context }: Pick<Asking, "context">): Viewer | null {
  return context.get(viewerContext);
}

/**
 * Whoever is signed in. Everyone else is sent to sign in and comes back; a form that was sent
 * cannot come back, so there it is said that nobody is signed in.
 */
export function requireViewer({ request, context }: Asking): Viewer {
  const viewer = viewerOf({ context });
  if (viewer !== null) return viewer;
  if (request.method !== "GET" && request.method !== "HEAD") {
    throw new Response("unauthenticated", { status: 401 });
  }
  const { pathname, search } = new URL(request.url);
  throw redirect(`/sign-in?${new URLSearchParams({ redirect_url: `${pathname}${search}` })}`);
}

type RequestState = Awaited<ReturnType<ClerkClient["authenticateRequest"]>>;

let clerk: ClerkClient | undefined;

/** What Clerk's SDK says; `null`, and so nobody, where it cannot read what came. */
async function authenticate(request: Request): Promise<RequestState | null> {
  clerk ??= createClerkClient({
    publishableKey: env.CLERK_PUBLISHABLE_KEY,
    secretKey: env.CLERK_SECRET_KEY,
    jwtKey: env.CLERK_JWT_KEY,
    proxyUrl: env.CLERK_PROXY_URL,
  });
  try {
    // A blank one stays: to the SDK no party at all would be any party, and this one is nobody.
    const authorizedParties = env.AUTHORIZED_PARTIES.split(",").map((party) => party.trim());
    return await clerk.authenticateRequest(bare(request), { authorizedParties });
  } catch (cause) {
    console.warn({ message: "the session cannot be read", detail: String(cause) });
    return null;
  }
}

/**
 * The request without its body, which is the action's, and without what a client says of hosts: the
 * address that Clerk sends back to is the one that was reached.
 */
function bare({ url, method, headers: sent }: Request): Request {
  const headers = new Headers(sent);
  headers.set("host", new URL(url).host);
  for (const name of ["x-forwarded-host", "x-forwarded-proto"]) headers.delete(name);
  return new Request(url, { method, headers });
}

function hasLapsed({ isAuthenticated, reason }: RequestState): boolean {
  return !isAuthenticated && (reason ?? "").startsWith("session-token-expired");
}
