// The package as an app gets it: built and packed by npm, and found by its name.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");

const APP = `
import { hasRole, requireRole, roles, userIdFrom } from "@rolecall/guard";
import type { GuardEnv, Roles } from "@rolecall/guard";
export async function loader(env: GuardEnv, auth: { userId: string | null }): Promise<boolean> {
  const userId = userIdFrom(auth);
  if (userId === null) return false;
  await requireRole(env, userId, "admin");
  const known: Roles = await roles(env, userId, { fresh: true });
  return hasRole(known, "editor");
}
`;

/** A bundler finds the modules, and the globals are the web's own. */
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

  before(() => {
    app = mkdtempSync(path.join(tmpdir(), "guard-"));
    const installed = path.join(app, "node_modules", "@rolecall", "guard");
    dist = path.join(installed, "dist");
    mkdirSync(installed, { recursive: true });
    // As the README says it; `npm pack` builds first.
    execFileSync("npm", ["pack", "--pack-destination", app], { cwd: ROOT, stdio: "ignore" });
    const [packed = ""] = readdirSync(app).filter((name) => name.endsWith(".tgz"));
    assert.equal(packed, "rolecall-guard-0.1.0.tgz");
    execFileSync("tar", ["-xzf", packed, "--strip-components=1", "-C", installed], { cwd: app });
  });
  after(() => rmSync(app, { recursive: true, force: true }));

  function tsc(...args: string[]): void {
    const { status, stdout } = spawnSync(process.execPath, [TSC, ...args], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  }

  it("runs, found by its name, and asks for no other", () => {
    const names = ["answering", "hasRole", "requirePermission", "requireRole", "roles"];
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
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(path.join(ROOT, "package.json"), "utf8"),
    );
    assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  });

  it("has types that an app compiles against, the runtime's own not among them", () => {
    writeFileSync(path.join(app, "app.ts"), APP);
    writeFileSync(path.join(app, "package.json"), '{"type":"module"}');
    writeFileSync(path.join(app, "tsconfig.json"), JSON.stringify(CONFIG));
    tsc("--project", app);
    const wrong = APP.replace('"admin"', "7");
    writeFileSync(path.join(app, "app.ts"), wrong);
    assert.throws(() => tsc("--project", app), /not assignable to parameter of type 'string'/);
  });

  it("names in what is built only files that are there", () => {
    const files = readdirSync(dist);
    const from = /from "\.\/([^"]+)"/g;
    let named = 0;
    for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      for (const [, target = ""] of readFileSync(path.join(dist, file), "utf8").matchAll(from)) {
        named += 1;
        // The compiler takes `x.ts` in a declaration for `x.d.ts`; nothing else would.
        const there = file.endsWith(".d.ts") ? target.replace(/\.ts$/, ".d.ts") : target;
        assert.ok(files.includes(there), `${file} names ${target}`);
      }
    }
    assert.ok(10 < named, `${named} names`);
  });
});
