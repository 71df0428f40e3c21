import { env } from "cloudflare:workers";
import { requireRole, roles } from "@rolecall/guard";
import { Form } from "react-router";

import { requireViewer } from "../session.server.ts";
import type { Route } from "./+types/admin";

export async function loader(args: Route.LoaderArgs) {
  const { userId, impersonated } = requireViewer(args);
  await requireRole(env, userId, "admin", { impersonated });
  return null;
}

/** Looks a user up. A loader guards its page, not its action: each asks for itself. */
export async function action(args: Route.ActionArgs) {
  const { userId, impersonated } = requireViewer(args);
  // An administrator who was one a moment ago is none: the database is read first.
  await requireRole(env, userId, "admin", { impersonated, fresh: true });
  const asked = String((await args.request.formData()).get("user") ?? "").trim();
  return { asked, found: await lookUp(asked) };
}

/** What a user may do; `null` where nobody counts: the banned, the deleted, what is no id. */
async function lookUp(userId: string) {
  try {
    const { standing, roles: held, organizations } = await roles(env, userId);
    return { standing, held: [...held, ...organizations.map(({ id, role }) => `${role} in ${id}`)] };
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
        Only the app role <code>admin</code> sees this page.
      </p>
      <section className="card" aria-labelledby="look-up">
        <h2 id="look-up">What may somebody do?</h2>
        <Form method="post">
          <label htmlFor="user">A user's id</label>
          <div className="badges">
            <input id="user" name="user" required maxLength={64} autoComplete="off" />
            <button className="button" type="submit">
              Look up
            </button>
          </div>
        </Form>
        <div role="status">{actionData && <Found {...actionData} />}</div>
      </section>
    </>
  );
}

function Found({ asked, found }: NonNullable<Route.ComponentProps["actionData"]>) {
  if (found === null) {
    return (
      <p>
        <code>{asked}</code> may do nothing: banned, deleted, or no user's id.
      </p>
    );
  }
  const { standing, held } = found;
  return (
    <p>
      <code>{asked}</code> is {standing}, with {held.length === 0 ? "no role" : held.join(", ")}.
    </p>
  );
}
