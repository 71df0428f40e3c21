import { env } from "cloudflare:workers";
import { getRoles, requireRole } from "@rolecall/guard";
import { Form } from "react-router";

import { requireViewer } from "../session.server.ts";
import type { Route } from "./+types/admin";

export async function loader(args: Route.LoaderArgs) {
  const { userId, impersonated } = requireViewer(args);
  await requireRole(env, userId, "admin", { impersonated });
  return null;
}

/** Looks up a user. The loader's guard does not protect the action, so the action has its own. */
export async function action(args: Route.ActionArgs) {
  const { userId, impersonated } = requireViewer(args);
  // `fresh` reads the database first: an administrator may have lost the role a moment ago.
  await requireRole(env, userId, "admin", { impersonated, fresh: true });
  const queried = String((await args.request.formData()).get("user") ?? "").trim();
  return { queried, user: await lookUp(queried) };
}

/** Returns the status and roles of a user; `null` if banned, deleted, or not a user id. */
async function lookUp(userId: string) {
  try {
    const { userStatus, roles, organizations } = await getRoles(env, userId);
    const inOrganizations = organizations.map(({ id, role }) => `${role} in ${id}`);
    return { userStatus, roles: [...roles, ...inOrganizations] };
  } catch (cause) {
    if (cause instanceof Response && cause.status === 403) return null;
    throw cause;
  }
}

export default function Admin({ actionData }: Route.ComponentProps) {
  return (
    <>
      <title>Administration · Rolecall example</title>
      <h1>Administration</h1>
      <p className="lead">
        Only users with the app role <code>admin</code> see this page.
      </p>
      <section className="card" aria-labelledby="look-up">
        <h2 id="look-up">Roles of a user</h2>
        <Form method="post">
          <label htmlFor="user">User id</label>
          <div className="badges">
            <input id="user" name="user" required maxLength={64} autoComplete="off" />
            <button className="button" type="submit">
              Look up
            </button>
          </div>
        </Form>
        <div role="status">{actionData && <LookupResult {...actionData} />}</div>
      </section>
    </>
  );
}

function LookupResult({ queried, user }: NonNullable<Route.ComponentProps["actionData"]>) {
  if (user === null) {
    return (
      <p>
        <code>{queried}</code> has no access: banned, deleted, or not a user id.
      </p>
    );
  }
  const { userStatus, roles } = user;
  return (
    <p>
      <code>{queried}</code> is {userStatus}, with{" "}
      {roles.length === 0 ? "no role" : roles.join(", ")}.
    </p>
  );
}
