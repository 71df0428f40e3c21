// The package as an app installs it: built and packed by npm, and imported by its name.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const MODULES = path.join(ROOT, "../../node_modules");

const APP = `
import { getRoles, getUserId, hasRole, requireRole } from "@rolecall/guard";
import type { GuardEnv, Roles } from "@rolecall/guard";
export async function loader(env: GuardEnv, auth: { userId: string | null }): Promise<boolean> {
  const userId = getUserId(auth);
  if (userId === null) return false;
  await requireRole(env, userId, "admin");
  const known: Roles = await getRoles(env, userId, { fresh: true });
  return hasRole(known, "editor");
}
`;

/** The peer dependencies of the other entries are installed too. */
const APP_WITH_CLERK = `
import { createClerkSessions } from "@rolecall/guard/clerk";
import type { Session, Viewer } from "@rolecall/guard/clerk";
import { catchResponses, withSession } from "@rolecall/guard/hono";
import { Hono } from "hono";
const clerk = createClerkSessions({
  publishableKey: "pk", secretKey: "sk", authorizedParties: [], signInUrl: "/sign-in",
});
const app = new Hono<{ Variables: { session: Session } }>();
app.use(withSession(clerk)).use(catchResponses());
app.get("/", (c) => {
  const viewer: Viewer = c.get("session").requireViewer();
  const organization: string | undefined = viewer.auth.orgId;
  return c.text(viewer.userId + (organization ?? ""));
});
export default app;
`;

/** Modules are resolved as a bundler does, and globals are those of the web. */
const CONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2022",
    lib: ["es2022", "webworker"],
    types: [],
    noEmit: true,
    skipLibCheck: false,
  },
  files: ["app.ts"],
};

describe("the package", () => {
  let app: string;
  let dist: string;
  let tarball: string;

  before(() => {
    app = mkdtempSync(path.join(tmpdir(), "guard-"));
    const installed = path.join(app, "node_modules", "@rolecall", "guard");
    dist = path.join(installed, "dist");
    mkdirSync(installed, { recursive: true });
    // As in the README; `npm pack` builds first.
    execFileSync("npm", ["pack", "--pack-destination", app], { cwd: ROOT, stdio: "ignore" });
    const [packed = ""] = readdirSync(app).filter((name) => name.endsWith(".tgz"));
    assert.equal(packed, "rolecall-guard-0.1.0.tgz");
    tarball = path.join(app, packed);
    execFileSync("tar", ["-xzf", packed, "--strip-components=1", "-C", installed], { cwd: app });
  });
  after(() => rmSync(app, { recursive: true, force: true }));

  function tsc(...args: string[]): void {
    const { status, stdout } = spawnSync(process.execPath, [TSC, ...args], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  }

  it("can be imported by name and has no dependencies", () => {
    const names = ["catchResponses", "getRoles", "hasRole", "requirePermission", "requireRole"];
    const script = `
      const found = await import("@rolecall/guard");
      const env = { ROLES: undefined };
      const refused = await found.requireRole(env, "", "admin").catch((thrown) => thrown);
      console.log(JSON.stringify([Object.keys(found), refused.status]));`;
    const file = path.join(app, "app.mjs");
    writeFileSync(file, script);
    const said = execFileSync(process.execPath, [file], { encoding: "utf8", cwd: app });
    const [found, status] = JSON.parse(said);
    for (const name of names) assert.ok(found.includes(name), name);
    assert.equal(status, 403);
    const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(path.join(ROOT, "package.json"), "utf8"),
    );
    assert.equal(dependencies, undefined);
    const optional = Object.keys(peerDependencies).map((name) => [name, { optional: true }]);
    assert.deepEqual(peerDependenciesMeta, Object.fromEntries(optional));
  });

  it("has entries that run if their peer dependencies are installed", () => {
    const script = `
      const { createClerkSessions } = await import("@rolecall/guard/clerk");
      const { catchResponses } = await import("@rolecall/guard/hono");
      const publishableKey = "pk_live_" + btoa("clerk.example.com$");
      const options = { publishableKey, secretKey: "sk", authorizedParties: [], signInUrl: "/in" };
      const request = new Request("https://app.example.com/a");
      const sessions = createClerkSessions(options);
      const handler = ({ viewer }) => Response.json(viewer);
      const answer = await sessions.serve(request, handler);
      console.log(JSON.stringify([typeof catchResponses, answer.status, await answer.json()]));`;
    const file = path.join(app, "with-clerk.mjs");
    writeFileSync(file, script);
    const run = () => spawnSync(process.execPath, [file], { encoding: "utf8", cwd: app });
    assert.match(run().stderr, /Cannot find package '@clerk\/backend'/);
    link("@clerk", "hono");
    assert.equal(run().stdout, '["function",200,null]\n');
  });

  it("has types for an app with Clerk and Hono", () => {
    link("@clerk", "hono");
    writeFileSync(path.join(app, "app.ts"), APP_WITH_CLERK);
    writeFileSync(path.join(app, "package.json"), '{"type":"module"}');
    // Clerk's own declarations have type errors.
    const compilerOptions = { ...CONFIG.compilerOptions, skipLibCheck: true };
    writeFileSync(path.join(app, "tsconfig.json"), JSON.stringify({ ...CONFIG, compilerOptions }));
    tsc("--project", app);
    for (const [right, wrong] of [["viewer.userId", "viewer.name"], ["auth.orgId", "auth.org"]]) {
      writeFileSync(path.join(app, "app.ts"), APP_WITH_CLERK.replace(right ?? "", wrong ?? ""));
      assert.throws(() => tsc("--project", app), /does not exist on type/, wrong);
    }
  });

  it("passes attw and publint", () => {
    const bin = (name: string) => path.join(MODULES, ".bin", name);
    for (const args of [
      [bin("attw"), tarball, "--profile", "esm-only", "--no-emoji", "--no-color"],
      [bin("publint"), "run", tarball, "--strict"],
    ]) {
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
      assert.equal(status, 0, stdout);
    }
  });

  it("has types for an app without the runtime's types", () => {
    writeFileSync(path.join(app, "app.ts"), APP);
    writeFileSync(path.join(app, "package.json"), '{"type":"module"}');
    writeFileSync(path.join(app, "tsconfig.json"), JSON.stringify(CONFIG));
    tsc("--project", app);
    const wrong = APP.replace('"admin"', "7");
    writeFileSync(path.join(app, "app.ts"), wrong);
    assert.throws(() => tsc("--project", app), /not assignable to parameter of type 'string'/);
  });

  it("imports only files that exist in the build", () => {
    const files = readdirSync(dist, { encoding: "utf8", recursive: true });
    const from = /from "(\.[^"]+)"/g;
    let imports = 0;
    for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      for (const [, target = ""] of readFileSync(path.join(dist, file), "utf8").matchAll(from)) {
        imports += 1;
        // In a declaration, the compiler resolves `x.ts` to `x.d.ts`.
        const there = file.endsWith(".d.ts") ? target.replace(/\.ts$/, ".d.ts") : target;
        const found = path.join(path.dirname(file), there);
        assert.ok(files.includes(found), `${file} imports ${target}`);
      }
    }
    assert.ok(10 < imports, `${imports} imports`);
  });

  /** Links packages as npm would install them. */
  function link(...names: string[]): void {
    for (const name of names) {
      const there = path.join(app, "node_modules", name);
      if (!existsSync(there)) symlinkSync(path.join(MODULES, name), there);
    }
  }
});
