// Compiles every block of TypeScript in the repository's documents, with the types of the packages
// that it imports.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { findSnippets } from "./snippets.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");
/** Inside the root, where the packages are found. */
const FOLDER = path.join(ROOT, "target", "snippets");

/** Folders without documents of the repository. */
const OTHERS = ["**/node_modules", "target", "**/build", ".git", ".state"];

const entry = (name: string) => [path.join(ROOT, "packages/guard/src", name)];

/** As in an app: modules are resolved as a bundler does, and globals are the runtime's. */
const CONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: "esnext",
    moduleResolution: "bundler",
    moduleDetection: "force",
    allowImportingTsExtensions: true,
    jsx: "react-jsx",
    target: "es2022",
    lib: ["es2022"],
    types: ["@cloudflare/workers-types"],
    paths: {
      "@rolecall/guard": entry("index.ts"),
      "@rolecall/guard/clerk": entry("session/index.ts"),
      "@rolecall/guard/hono": entry("hono.ts"),
    },
    noEmit: true,
    // As in the package: Clerk's own declarations have type errors.
    skipLibCheck: true,
  },
  // The variables of a Worker, as `wrangler types` writes them.
  include: ["**/*", path.join(ROOT, "examples/react-router/workers/env.d.ts")],
};

describe("a block of TypeScript", () => {
  const texts = globSync("**/*.md", { cwd: ROOT, exclude: OTHERS }).sort();
  const found = texts.map((text) => {
    return { text, snippets: findSnippets(readFileSync(path.join(ROOT, text), "utf8")) };
  });
  let said: string[];

  before(() => {
    rmSync(FOLDER, { recursive: true, force: true });
    for (const { text, snippets } of found) {
      for (const { file, code } of snippets) write(path.join(text, file), code);
    }
    write("wrong/wrong.ts", "export const wrong: string = 7;\n");
    write("tsconfig.json", JSON.stringify(CONFIG));
    const args = [TSC, "--project", FOLDER, "--pretty", "false"];
    said = spawnSync(process.execPath, args, { cwd: FOLDER, encoding: "utf8" }).stdout.split("\n");
  });
  after(() => rmSync(FOLDER, { recursive: true, force: true }));

  function write(file: string, text: string): void {
    const where = path.join(FOLDER, file);
    mkdirSync(path.dirname(where), { recursive: true });
    writeFileSync(where, text, { flag: "wx" });
  }

  it("is found in every document", () => {
    const opening = /^\s*(```+|~~~+)(tsx?|typescript|jsx?|javascript)\b/i;
    let all = 0;
    for (const { text, snippets } of found) {
      const lines = readFileSync(path.join(ROOT, text), "utf8").split("\n");
      const opened = lines.filter((line) => opening.test(line));
      assert.equal(snippets.length, opened.length, text);
      all += opened.length;
    }
    assert.ok(5 <= all, `${all} blocks`);
  });

  for (const { text, snippets } of found) {
    for (const { file, line } of snippets) {
      it(`compiles in ${text}:${line}`, () => {
        const own = said.filter((one) => one.startsWith(`${path.join(text, file)}(`));
        assert.deepEqual(own, []);
      });
    }
  }

  it("is the only source of errors, and a wrong one gives an error", () => {
    const errors = said.filter((one) => /error TS\d+/.test(one));
    assert.match(errors.join("\n"), /^wrong\/wrong\.ts\(1,14\): error TS2322: .*$/);
  });

  it("is compiled with its hidden declarations", () => {
    const text = [
      "Text.", "<!-- compiled with", "declare const x: string;", "-->", "```ts", "x;", "```",
      "```toml", "y", "```", "````tsx", "// app/a.tsx", "```ts", "````", "",
    ].join("\n");
    assert.deepEqual(findSnippets(text), [
      { file: "block-0.ts", line: 6, code: "declare const x: string;\nx;\n" },
      { file: "app/a.tsx", line: 12, code: "// app/a.tsx\n```ts\n" },
    ]);
  });
});
