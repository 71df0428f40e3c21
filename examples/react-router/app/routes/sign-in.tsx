import { env } from "cloudflare:workers";
import { localPath } from "@rolecall/guard/clerk";
import { redirect } from "react-router";

import { viewerOf } from "../session.server.ts";
import type { Route } from "./+types/sign-in";

export function loader({ request, context }: Route.LoaderArgs) {
  const { origin, searchParams } = new URL(request.url);
  const back = localPath(searchParams.get("redirect_url"), "/dashboard");
  if (viewerOf({ context }) !== null) throw redirect(back);
  return { clerk: `${env.SIGN_IN_URL}?${new URLSearchParams({ redirect_url: origin + back })}` };
}

export default function SignIn({ loaderData }: Route.ComponentProps) {
  return (
    <>
      <title>Sign in · Rolecall example</title>
      <h1>Sign in</h1>
      <p>You sign in at Clerk, and come back to the page you asked for.</p>
      <p className="actions">
        <a className="button" href={loaderData.clerk}>
          Continue to Clerk
        </a>
      </p>
    </>
  );
}
