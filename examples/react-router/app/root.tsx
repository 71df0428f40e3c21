import { env } from "cloudflare:workers";
import type { ReactNode } from "react";
import { use } from "react";
import {
  Link, Links, Meta, NavLink, Outlet, Scripts, ScrollRestoration, isRouteErrorResponse,
  useRouteError, useRouteLoaderData,
} from "react-router";

import type { Route } from "./+types/root";
import { Mark } from "./mark.tsx";
import { NonceContext } from "./nonce.ts";
import { Refusal } from "./refusal.tsx";
import { readSession, viewerOf } from "./session.server.ts";
import { SignOut } from "./sign-out.tsx";
import styles from "./styles.css?url";

export const middleware: Route.MiddlewareFunction[] = [readSession];

/** The auth state, for every page. It says who is signed in and nothing of what they may do. */
export function loader({ context, request }: Route.LoaderArgs) {
  const back = new URL("/", request.url).href;
  const signOut = env.SIGN_OUT_URL === "" ? null : { action: env.SIGN_OUT_URL, back };
  return { viewer: viewerOf({ context }), signOut };
}

export const links: Route.LinksFunction = () => [{ rel: "stylesheet", href: styles }];

/** A guard says when to ask again; React Router hands on what this function names. */
export function headers({ errorHeaders }: Route.HeadersArgs) {
  const retryAfter = errorHeaders?.get("retry-after");
  return retryAfter ? { "retry-after": retryAfter } : {};
}

export function Layout({ children }: { children: ReactNode }) {
  const nonce = use(NonceContext);
  // Absent when the root itself failed.
  const auth = useRouteLoaderData<typeof loader>("root");
  const error = useRouteError();
  // A form that found nobody signed in is answered with what was loaded before it.
  const isSignedOut = isRouteErrorResponse(error) && error.status === 401;
  const viewer = isSignedOut ? null : auth?.viewer;
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <Meta />
        <Links />
      </head>
      <body>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <header className="bar">
          <div className="wrap">
            <Link className="brand" to="/">
              <Mark />
              Rolecall example
            </Link>
            <nav aria-label="Main">
              <NavLink to="/dashboard">Dashboard</NavLink>
              <NavLink to="/admin">Administration</NavLink>
            </nav>
            {viewer && (
              <div className="who">
                <p>
                  Signed in as <code>{viewer.userId}</code>
                </p>
                <SignOut />
              </div>
            )}
          </div>
        </header>
        <main className="wrap" id="content" tabIndex={-1}>
          {viewer?.impersonated && (
            <p className="notice" role="note">
              <strong>Impersonated:</strong> somebody acts as this user.
            </p>
          )}
          {children}
        </main>
        <footer className="wrap">
          <p>Clerk says who is signed in. Rolecall says what they may do, for each request.</p>
        </footer>
        <ScrollRestoration nonce={nonce} />
        <Scripts nonce={nonce} />
      </body>
    </html>
  );
}

export default function App() {
  return <Outlet />;
}

export function ErrorBoundary({ error }: Route.ErrorBoundaryProps) {
  return <Refusal error={error} />;
}
