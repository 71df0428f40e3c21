// A small app with a guard on every route. The user id comes from a header instead of a session.
// tests/workerd runs it.

import {
  catchResponses,
  getRoles,
  requireMembership,
  requireOrganizationRole,
  requirePermission,
  requireRole,
} from "../../src/index.ts";

interface Env {
  ROLES: DurableObjectNamespace;
}

export default {
  fetch: catchResponses(async (request: Request, env: Env) => {
    const url = new URL(request.url);
    const param = (name: string) => url.searchParams.get(name) ?? "";
    const userId = request.headers.get("x-user") ?? "";
    const options = { fresh: url.searchParams.has("fresh") };
    const organization = param("organization");
    switch (url.pathname) {
      case "/role":
        await requireRole(env, userId, param("role"), options);
        break;
      case "/organization-role":
        await requireOrganizationRole(env, userId, { organization, role: param("role") }, options);
        break;
      case "/permission":
        await requirePermission(
          env,
          userId,
          { organization, permission: param("permission") },
          options,
        );
        break;
      case "/member":
        await requireMembership(env, userId, { organization }, options);
        break;
      case "/roles":
        return Response.json(await getRoles(env, userId, options));
      default:
        return new Response("not found", { status: 404 });
    }
    return new Response("welcome");
  }),
} satisfies ExportedHandler<Env>;
