import { env } from "cloudflare:workers";
import { getRoles } from "@rolecall/guard";
import { Link } from "react-router";

import { requireViewer } from "../session.server.ts";
import type { Route } from "./+types/dashboard";

export async function loader(args: Route.LoaderArgs) {
  const { userId } = requireViewer(args);
  const { roles, organizations, version, source, ageMs } = await getRoles(env, userId);
  return { roles, organizations, version, source, ageMs };
}

export default function Dashboard({ loaderData }: Route.ComponentProps) {
  const { roles, organizations, version, source, ageMs } = loaderData;
  return (
    <>
      <title>Dashboard · Rolecall example</title>
      <h1>Dashboard</h1>
      <h2>Your roles</h2>
      {roles.length === 0 && <p className="empty">You have no roles.</p>}
      {0 < roles.length && (
        <ul className="badges">
          {roles.map((role) => (
            <li key={role}>
              <code>{role}</code>
            </li>
          ))}
        </ul>
      )}
      <h2>Your organizations</h2>
      {organizations.length === 0 && <p className="empty">You are in no organization.</p>}
      {0 < organizations.length && <Organizations memberships={organizations} />}
      <p className="need">
        Version {version} from the {source}, read {ageMs} ms ago.
      </p>
    </>
  );
}

type Memberships = Route.ComponentProps["loaderData"]["organizations"];

function Organizations({ memberships }: { memberships: Memberships }) {
  return (
    <ul className="cards">
      {memberships.map(({ id, role, permissions }) => (
        <li className="card" key={id}>
          <h3>
            <Link to={`/organizations/${id}`}>
              <code>{id}</code>
            </Link>
          </h3>
          <dl>
            <dt>Role</dt>
            <dd className="badges">
              <code>{role}</code>
            </dd>
            <dt>Permissions</dt>
            <dd className="badges">
              {permissions.length === 0 && "none"}
              {permissions.map((permission) => (
                <code className="plain" key={permission}>
                  {permission}
                </code>
              ))}
            </dd>
          </dl>
        </li>
      ))}
    </ul>
  );
}
