import { env } from "cloudflare:workers";
import { requirePermission } from "@rolecall/guard";
import { Link } from "react-router";

import { requireViewer } from "../session.server.ts";
import type { Route } from "./+types/organization";

export async function loader(args: Route.LoaderArgs) {
  const { userId, impersonated } = requireViewer(args);
  const { organization } = args.params;
  const permission = "org:reports:read";
  await requirePermission(env, userId, { organization, permission }, { impersonated });
  return { organization, permission };
}

export default function Organization({ loaderData }: Route.ComponentProps) {
  const { organization, permission } = loaderData;
  return (
    <>
      <title>Organization · Rolecall example</title>
      <p className="path">
        <Link to="/dashboard">Dashboard</Link>
      </p>
      <h1>Reports</h1>
      <p className="lead">Only members with the permission to read reports see this page.</p>
      <div className="card">
        <h2>Why you see it</h2>
        <dl>
          <dt>Organization</dt>
          <dd>
            <code>{organization}</code>
          </dd>
          <dt>Your role there grants</dt>
          <dd className="badges">
            <code className="plain">{permission}</code>
          </dd>
        </dl>
      </div>
    </>
  );
}
