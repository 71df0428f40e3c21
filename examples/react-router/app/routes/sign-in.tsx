import { env } from "cloudflare:workers";
import { toLocalPath } from "@rolecall/guard/clerk";
import { redirect } from "react-router";

import { getViewer } from "../session.server.ts";
import type { Route } from "./+types/sign-in";

export function loader({ request, context }: Route.LoaderArgs) {
  const { origin, searchParams } = new URL(request.url);
  const target = toLocalPath(searchParams.get("redirect_url"), "/dashboard");
  if (getViewer({ context }) !== null) throw redirect(target);
  return { clerk: `${env.SIGN_IN_URL}?${new URLSearchParams({ redirect_url: origin + target })}` };
}

export default function SignIn({ loaderData }: Route.ComponentProps) {
  return (
    <>
      <title>Sign in · Rolecall example</title>
      <h1>Sign in</h1>
      <p>You sign in at Clerk, then return to the requested page.</p>
      <p className="actions">
        <a className="button" href={loaderData.clerk}>
          Continue to Clerk
        </a>
      </p>
    </>
  );
}
