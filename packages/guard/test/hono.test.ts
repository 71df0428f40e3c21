// Guards and sessions with the real Hono: denials and redirects keep the headers that middleware
// sets before and after the handler.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Hono } from "hono";
import { cors } from "hono/cors";

import type { SessionVariables } from "../src/hono.ts";
import { catchResponses, withSession } from "../src/hono.ts";
import { requireRole } from "../src/index.ts";
import { createClerkSessions } from "../src/session/index.ts";
import { ADA, APP, OPTIONS, PAGE, SCRIPT, expired, now, session } from "./clerk-support.ts";
import { Objects, USER, isForbidden, saysSample } from "./support.ts";

const FRIEND = "https://friend.example";

/** An app whose middleware sets headers and cookies before the handler, and one after it. */
function appWith(...order: ("cors" | "catchResponses" | "session")[]) {
  const { env } = new Objects(saysSample("answer.live"));
  const app = new Hono<{ Variables: SessionVariables }>();
  for (const name of order) {
    if (name === "catchResponses") app.use(catchResponses());
    if (name === "session") app.use(withSession(createClerkSessions(OPTIONS)));
    if (name !== "cors") continue;
    app.use(cors({ origin: FRIEND, credentials: true }));
    app.use(async (c, next) => {
      c.header("set-cookie", "seen=1", { append: true });
      await next();
      c.header("x-took", "1");
    });
  }
  app.get("/role/:role", async (c) => {
    await requireRole(env, USER, c.req.param("role"));
    return c.text("welcome", 200, { "cache-control": "public, max-age=60" });
  });
  app.get("/me", (c) => c.text(c.get("session").requireViewer().userId));
  app.get("/fault", () => {
    throw new Error("a bug");
  });
  return app;
}

function ask(app: Hono<{ Variables: SessionVariables }>, path: string, headers: object = {}) {
  return app.fetch(new Request(APP + path, { headers: { origin: FRIEND, ...headers } }));
}

const cookie = (cookies: Record<string, string>) => ({
  cookie: Object.entries(cookies).map((pair) => pair.join("=")).join("; "),
});

function keepsAll(response: Response): void {
  assert.equal(response.headers.get("access-control-allow-origin"), FRIEND);
  assert.equal(response.headers.get("access-control-allow-credentials"), "true");
  assert.match(response.headers.get("vary") ?? "", /\bOrigin\b/);
  assert.equal(response.headers.get("x-took"), "1");
  const lines = response.headers.getSetCookie();
  assert.deepEqual(lines.filter((line) => line === "seen=1"), ["seen=1"]);
}

describe("Hono's middleware", () => {
  it("keeps its headers and runs to the end if a guard denies access", async () => {
    for (const last of ["catchResponses", "session"] as const) {
      const response = await ask(appWith("cors", last), "/role/editor");
      keepsAll(response);
      await isForbidden(response, last);
    }
  });

  it("keeps its headers if a guard grants access", async () => {
    const response = await ask(appWith("cors", "catchResponses"), "/role/admin");
    keepsAll(response);
    assert.equal(await response.text(), "welcome");
  });

  it("keeps its headers if it comes after catchResponses", async () => {
    const response = await ask(appWith("catchResponses", "cors"), "/role/editor");
    assert.equal(response.headers.get("access-control-allow-origin"), FRIEND);
    await isForbidden(response);
  });

  it("handles other errors as usual", async (test) => {
    test.mock.method(console, "error", () => {});
    for (const last of ["catchResponses", "session"] as const) {
      const response = await ask(appWith("cors", last), "/fault");
      assert.equal(response.status, 500, last);
      assert.equal(response.headers.get("access-control-allow-origin"), FRIEND);
    }
  });
});

describe("withSession", () => {
  const app = appWith("cors", "session");

  it("passes the session to the handler, and forbids caching", async () => {
    const response = await ask(app, "/me", cookie(session(ADA)));
    keepsAll(response);
    assert.equal(await response.text(), ADA);
    const page = await ask(app, "/role/admin", cookie(session(ADA)));
    assert.equal(page.headers.get("cache-control"), "private, no-store");
    assert.match(page.headers.get("vary") ?? "", /Cookie/);
  });

  it("redirects a page load to Clerk and sets the state cookie", async () => {
    const response = await ask(app, "/me", { ...PAGE, ...cookie(session(ADA, expired())) });
    keepsAll(response);
    assert.equal(response.status, 307);
    const names = response.headers.getSetCookie().map((line) => line.split("=", 1)[0]);
    assert.deepEqual(names.sort(), ["__Host-rolecall_asked", "__clerk_redirect_count", "seen"]);
    assert.equal(response.headers.get("cache-control"), "private, no-store");
  });

  it("tells a script to renew the session, and counts it", async () => {
    const headers = { ...SCRIPT, ...cookie({ __client_uat: String(now() - 100) }) };
    const response = await ask(app, "/me", headers);
    keepsAll(response);
    assert.deepEqual(
      [response.status, await response.json()],
      [401, { error: "unauthenticated", renew: true }],
    );
    const lines = response.headers.getSetCookie().join();
    assert.match(lines, /__Host-rolecall_renewals=1/);
  });
});
