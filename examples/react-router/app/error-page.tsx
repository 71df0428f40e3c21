// The page for an error, chosen by its status. The reason of a denial is only in the log.

import { Link, isRouteErrorResponse, useLocation } from "react-router";

interface ErrorText {
  title: string;
  text: string;
}

const TEXTS: Record<number, ErrorText> = {
  401: {
    title: "You are not signed in",
    text: "Nothing was changed. Your session has ended or expired.",
  },
  403: {
    title: "No access",
    text: "Your account does not have the required role. New roles take effect at once: reload " +
      "the page. You do not need to sign in again.",
  },
  404: {
    title: "Page not found",
    text: "The URL may be mistyped or incomplete.",
  },
  503: {
    title: "Please try again in a moment",
    text: "We cannot check your permissions right now.",
  },
};

const DEFAULT_TEXT: ErrorText = {
  title: "Something went wrong",
  text: "The error was logged. No data is lost.",
};

export function ErrorPage({ error }: { error: unknown }) {
  const { pathname, search } = useLocation();
  const status = isRouteErrorResponse(error) ? error.status : 500;
  const { title, text } = TEXTS[status] ?? DEFAULT_TEXT;
  const canRetry = status === 401 || status === 503;
  return (
    <>
      <title>{`${title} · Rolecall example`}</title>
      <p className="status">{status}</p>
      <h1>{title}</h1>
      <p>{text}</p>
      <div className="actions">
        {canRetry && (
          <Link className="button" to={`${pathname}${search}`} reloadDocument>
            Reload the page
          </Link>
        )}
        {status === 403 && (
          <Link className="button" to="/dashboard">
            See your roles
          </Link>
        )}
        <Link className={canRetry || status === 403 ? "button quiet" : "button"} to="/">
          Go to the start page
        </Link>
      </div>
    </>
  );
}
