import { env } from "cloudflare:workers";
import { use } from "react";
import type { ReactNode } from "react";
import { Link, Links, Meta, NavLink, Outlet, Scripts, ScrollRestoration } from "react-router";
import { useRouteLoaderData } from "react-router";

import type { Route } from "./+types/root";
import { NonceContext } from "./nonce.ts";
import { Refusal } from "./refusal.tsx";
import { readSession, viewerOf } from "./session.server.ts";
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
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <Meta />
        <Links />
      </head>
      <body>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <header>
          <nav aria-label="Main">
            <Link className="brand" to="/">
              Rolecall example
            </Link>
            <NavLink to="/dashboard">Dashboard</NavLink>
            <NavLink to="/admin">Administration</NavLink>
          </nav>
          {auth && <Who auth={auth} />}
        </header>
        <main id="content" tabIndex={-1}>
          {auth?.viewer?.impersonated && (
            <p className="notice" role="note">
              <strong>Impersonated:</strong> somebody acts as this user.
            </p>
          )}
          {children}
        </main>
        <ScrollRestoration nonce={nonce} />
        <Scripts nonce={nonce} />
      </body>
    </html>
  );
}

function Who({ auth }: { auth: Awaited<ReturnType<typeof loader>> }) {
  const { viewer, signOut } = auth;
  if (viewer === null) return <Link to="/sign-in">Sign in</Link>;
  return (
    <div className="who">
      <span>
        Signed in as <code>{viewer.userId}</code>
      </span>
      {signOut && (
        <form method="post" action={signOut.action}>
          <input type="hidden" name="redirect_url" value={signOut.back} />
          <button type="submit">Sign out</button>
        </form>
      )}
    </div>
  );
}

export default function App() {
  return <Outlet />;
}

export function ErrorBoundary({ error }: Route.ErrorBoundaryProps) {
  return <Refusal error={error} />;
}
