// What is shown in a page's place: by status alone, for why a guard refused is for its log.

import { Link, isRouteErrorResponse, useLocation } from "react-router";

interface Told {
  title: string;
  text: string;
}

const TOLD: Record<number, Told> = {
  401: {
    title: "You are not signed in",
    text: "Nothing was changed. Your session has ended, or its time ran out on this page.",
  },
  403: {
    title: "This page is not for you",
    text: "Your account lacks the role it needs. Once it is granted, open the page again: there " +
      "is no need to sign in again.",
  },
  404: {
    title: "There is no such page",
    text: "The address may be mistyped, or the link is incomplete.",
  },
  503: {
    title: "Please try again in a moment",
    text: "It cannot be told right now what you may do, so nothing is shown.",
  },
};

const FAILED: Told = {
  title: "Something went wrong",
  text: "It has been noted. Nothing of yours is lost.",
};

export function Refusal({ error }: { error: unknown }) {
  const { pathname, search } = useLocation();
  const status = isRouteErrorResponse(error) ? error.status : 500;
  const { title, text } = TOLD[status] ?? FAILED;
  const isWorthAnother = status === 401 || status === 503;
  return (
    <>
      <title>{`${title} · Rolecall example`}</title>
      <p className="status">{status}</p>
      <h1>{title}</h1>
      <p>{text}</p>
      <div className="actions">
        {isWorthAnother && (
          <Link className="button" to={`${pathname}${search}`} reloadDocument>
            Open the page again
          </Link>
        )}
        {status === 403 && (
          <Link className="button" to="/dashboard">
            See what you may do
          </Link>
        )}
        <Link className={isWorthAnother || status === 403 ? "button quiet" : "button"} to="/">
          Go to the start
        </Link>
      </div>
    </>
  );
}
