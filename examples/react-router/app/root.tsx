import { env } from "cloudflare:workers";
import type { ReactNode } from "react";
import { use } from "react";
import {
  Link, Links, Meta, NavLink, Outlet, Scripts, ScrollRestoration, isRouteErrorResponse,
  useRouteError, useRouteLoaderData,
} from "react-router";

import type { Route } from "./+types/root";
import { ErrorPage } from "./error-page.tsx";
import { Logo } from "./logo.tsx";
import { NonceContext } from "./nonce.ts";
import { getViewer, readSession } from "./session.server.ts";
import { SignOut } from "./sign-out.tsx";
import styles from "./styles.css?url";

export const middleware: Route.MiddlewareFunction[] = [readSession];

/** The auth state for every page: who is signed in, without roles. */
export function loader({ context, request }: Route.LoaderArgs) {
  const back = new URL("/", request.url).href;
  const signOut = env.SIGN_OUT_URL === "" ? null : { action: env.SIGN_OUT_URL, back };
  return { viewer: getViewer({ context }), signOut };
}

export const links: Route.LinksFunction = () => [{ rel: "stylesheet", href: styles }];

/** Passes the `Retry-After` of a guard to the client; React Router sends only headers from here. */
export function headers({ errorHeaders }: Route.HeadersArgs) {
  const retryAfter = errorHeaders?.get("retry-after");
  return retryAfter ? { "retry-after": retryAfter } : {};
}

export function Layout({ children }: { children: ReactNode }) {
  const nonce = use(NonceContext);
  // Undefined if the root loader failed.
  const auth = useRouteLoaderData<typeof loader>("root");
  const error = useRouteError();
  // After a form with an expired session, the root data is from before the form was sent.
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
              <Logo />
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
              <strong>Impersonated:</strong> somebody else acts as this user.
            </p>
          )}
          {children}
        </main>
        <footer className="wrap">
          <p>Clerk knows who is signed in. Rolecall checks their roles for each request.</p>
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
  return <ErrorPage error={error} />;
}
