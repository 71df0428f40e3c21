import { roles } from "@rolecall/guard";
import { env } from "cloudflare:workers";
import { Link } from "react-router";

import type { Route } from "./+types/dashboard";
import { requireViewer } from "../session.server.ts";

export async function loader(args: Route.LoaderArgs) {
  const { userId } = requireViewer(args);
  const { roles: held, organizations, version, source, ageMs } = await roles(env, userId);
  return { held, organizations, version, source, ageMs };
}

export default function Dashboard({ loaderData }: Route.ComponentProps) {
  const { held, organizations, version, source, ageMs } = loaderData;
  return (
    <>
      <title>Dashboard · Rolecall example</title>
      <h1>Dashboard</h1>
      <h2>Your roles</h2>
      {held.length === 0 && <p>None.</p>}
      <ul>
        {held.map((role) => (
          <li key={role}>
            <code>{role}</code>
          </li>
        ))}
      </ul>
      <h2>Your organizations</h2>
      {organizations.length === 0 && <p>None.</p>}
      <ul>
        {organizations.map(({ id, role }) => (
          <li key={id}>
            <Link to={`/organizations/${id}`}>{id}</Link>, as <code>{role}</code>
          </li>
        ))}
      </ul>
      <p className="quiet">
        Version {version} from the {source}, read {ageMs} ms ago.
      </p>
    </>
  );
}
