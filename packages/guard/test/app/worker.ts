// A small app as its developer would write it: guards on every route, the user's id from a header
// in place of a session. The workerd suite drives it.

import {
  answering,
  requireMembership,
  requireOrganizationRole,
  requirePermission,
  requireRole,
  roles,
} from "../../src/index.ts";

interface Env {
  ROLES: DurableObjectNamespace;
}

export default {
  fetch: answering(async (request: Request, env: Env) => {
    const url = new URL(request.url);
    const asked = (name: string) => url.searchParams.get(name) ?? "";
    const userId = request.headers.get("x-user") ?? "";
    const options = { fresh: url.searchParams.has("fresh") };
    const organization = asked("organization");
    switch (url.pathname) {
      case "/role":
        await requireRole(env, userId, asked("role"), options);
        break;
      case "/organization-role":
        await requireOrganizationRole(env, userId, { organization, role: asked("role") }, options);
        break;
      case "/permission":
        await requirePermission(
          env,
          userId,
          { organization, permission: asked("permission") },
          options,
        );
        break;
      case "/member":
        await requireMembership(env, userId, { organization }, options);
        break;
      case "/roles":
        return Response.json(await roles(env, userId, options));
      default:
        return new Response("not found", { status: 404 });
    }
    return new Response("welcome");
  }),
} satisfies ExportedHandler<Env>;
