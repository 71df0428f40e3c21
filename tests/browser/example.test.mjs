// examples/react-router in a browser.

import * as events from "../workerd/support/clerk.mjs";
import { walk } from "./support/walk.mjs";

walk({
  name: "example",
  organization: "/organizations",
  headings: {
    home: "Rolecall with React Router",
    signIn: "Sign in",
    dashboard: "Dashboard",
    admin: "Administration",
    organization: () => "Reports",
    refused: "No access",
    missing: "Page not found",
    unavailable: "Please try again in a moment",
  },
  links: { signIn: "Continue to Clerk", again: "Reload the page" },
  more: ({ shows, open, seen, looked, click, isAt, signIn, signedInAs, deliver, GRACE }) => {
    shows("renews a session that expired while its page was open", async (page, context) => {
      await signIn(page);
      // As after expiry: the browser still has `__client_uat`.
      await context.clearCookies({ name: /^__session/ });
      // The page's script fetches data, and is told to load the page in full.
      const reloaded = page.waitForRequest((request) => {
        return request.isNavigationRequest() && request.url().includes("/v1/client/handshake");
      });
      await click(page, "link", "Administration");
      await reloaded;
      await isAt(page, "/admin", "No access");
      await page.getByText(`Signed in as ${GRACE.id}`).waitFor();
    });

    shows("looks up a user, and nothing after the session has ended", async (page, context) => {
      const admin = "user_3Administrator";
      await deliver(events.withRole(admin, "admin"));
      await signedInAs(context, admin);
      await open(page, "/admin");
      await seen(page, "admin-form");
      await page.getByLabel("User id").fill(GRACE.id);
      await click(page, "button", "Look up");
      await page.getByRole("status").getByText("is live").waitFor();
      await looked(page, "admin-found");
      await context.clearCookies();
      await click(page, "button", "Look up");
      await isAt(page, "/admin", "You are not signed in");
      await page.getByText("Signed in as").waitFor({ state: "detached" });
      await looked(page, "401");
      await click(page, "link", "Go to the start page");
      await isAt(page, "/", "Rolecall with React Router");
      await page.getByRole("link", { name: "Sign in" }).waitFor();
    });
  },
});
