import { requirePermission } from "@rolecall/guard";
import { env } from "cloudflare:workers";

import type { Route } from "./+types/organization";
import { requireViewer } from "../session.server.ts";

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
      <h1>Reports</h1>
      <p>
        Your role in <code>{organization}</code> carries <code>{permission}</code>.
      </p>
    </>
  );
}
