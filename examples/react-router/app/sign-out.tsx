// A form that ends the session at Clerk, if SIGN_OUT_URL is set.

import { useRouteLoaderData } from "react-router";

import type { loader } from "./root.tsx";

export function SignOut() {
  const auth = useRouteLoaderData<typeof loader>("root");
  if (!auth?.viewer || !auth.signOut) return null;
  const { action, back } = auth.signOut;
  return (
    <form method="post" action={action}>
      <input type="hidden" name="redirect_url" value={back} />
      <button className="button quiet" type="submit">
        Sign out
      </button>
    </form>
  );
}
