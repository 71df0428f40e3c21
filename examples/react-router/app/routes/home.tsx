import { Link } from "react-router";

import type { Route } from "./+types/home";

export default function Home({ matches }: Route.ComponentProps) {
  const isSignedIn = matches[0].loaderData.viewer !== null;
  return (
    <>
      <title>Start · Rolecall example</title>
      <div className="hero">
        <h1>Rolecall with React Router</h1>
        <p className="lead">
          A server-rendered app whose loaders and actions call Rolecall&rsquo;s guards. Everyone can
          see this page.
        </p>
        <p className="actions">
          <Link className="button" to="/dashboard">
            Open your dashboard
          </Link>
          {isSignedIn || (
            <Link className="button quiet" to="/sign-in">
              Sign in
            </Link>
          )}
        </p>
      </div>
      <h2>Pages</h2>
      <ul className="cards">
        <li className="card">
          <h3>
            <Link to="/dashboard">Dashboard</Link>
          </h3>
          <p>Your roles and organizations, from the role cache.</p>
          <p className="need">
            Needs <strong>a session</strong>
          </p>
        </li>
        <li className="card">
          <h3>
            <Link to="/admin">Administration</Link>
          </h3>
          <p>Looks up a user. The form has its own guard.</p>
          <p className="need">
            Needs the role <code>admin</code>
          </p>
        </li>
        <li className="card">
          <h3>Reports</h3>
          <p>One page per organization, linked from your dashboard.</p>
          <p className="need">
            Needs <code>org:reports:read</code>
          </p>
        </li>
      </ul>
    </>
  );
}
