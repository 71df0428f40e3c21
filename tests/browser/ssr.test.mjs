// The Worker `ssr` in a browser.

import { walk } from "./support/walk.mjs";

walk({
  name: "ssr",
  organization: "/orgs",
  headings: {
    home: "Access checks at the edge",
    signIn: "Sign in",
    dashboard: "Your dashboard",
    admin: "Administration",
    organization: (org) => `Organization ${org}`,
    refused: "No access",
    missing: "Page not found",
    unavailable: "Try again in a moment",
  },
  links: { signIn: "Continue to sign in", again: "Try again" },
  more: ({ shows, click, isAt, open, seen, signedInAs, GRACE, ORG }) => {
    shows("shows the settings to an administrator of the organization", async (page, context) => {
      await signedInAs(context, GRACE.id);
      await open(page, `/orgs/${ORG}`);
      await click(page, "link", "Settings of this organization");
      await isAt(page, `/orgs/${ORG}/settings`, `Settings of ${ORG}`);
      await seen(page, "settings");
    });

    shows("lets a denied user sign out", async (page, context) => {
      await signedInAs(context, "user_3Stranger");
      await open(page, "/admin");
      await click(page, "button", "Sign out");
      await isAt(page, "/", "Access checks at the edge");
    });
  },
});
