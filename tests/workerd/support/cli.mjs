// The program `rolecall`, run as an operator runs it: in a home folder of its own, without a
// terminal. No output may show a secret.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { text as textOf } from "node:stream/consumers";

import Ajv from "ajv/dist/2020.js";

import { METRICS_TOKEN, SECOND_TOKEN, TOKEN } from "./console.mjs";
import { OTHER_SECRET, SECRET } from "./delivery.mjs";
import { TARGET } from "./local-clerk.mjs";

const PROGRAM = path.join(TARGET, "debug", "rolecall");

/** What no output may show. */
const SECRETS = [TOKEN, SECOND_TOKEN, METRICS_TOKEN, SECRET, OTHER_SECRET];

const FILE = new URL("../../../console/openapi.json", import.meta.url);
const DOCUMENT = JSON.parse(readFileSync(FILE));
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(DOCUMENT, "api");

/** Checks that a value has a form of `console/openapi.json`. */
function checkForm(form, value, place) {
  const validate = ajv.getSchema(`api#/components/schemas/${form}`);
  assert.ok(validate, `no schema ${form}`);
  const text = JSON.stringify(value);
  assert.ok(validate(value), `${place} is no ${form}: ${ajv.errorsText(validate.errors)}\n${text}`);
}

/** The form of an object on standard error. */
function formBeside(line) {
  if ("error" in line) return "ApiError";
  if ("role" in line) return "RoleChange";
  return "seq" in line ? "AuditHead" : "Replay";
}

const linesOf = (text) =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));

/** Runs the program to its end. `env` is the whole environment; `input` is its standard input. */
async function runProgram(args, { env, input = "" }) {
  if (!existsSync(PROGRAM)) throw new Error(`no ${PROGRAM}: cargo build -p cli`);
  const program = spawn(PROGRAM, args, { env, stdio: "pipe" });
  const ended = new Promise((done, failed) => program.on("close", done).on("error", failed));
  // A program that reads nothing may have ended already.
  program.stdin.on("error", () => undefined).end(input);
  const outputs = [program.stdout, program.stderr].map((stream) => textOf(stream));
  const [code, out, err] = await Promise.all([ended, ...outputs]);
  const place = `rolecall ${args.join(" ")}`;
  const isShown = SECRETS.some((secret) => `${out}${err}`.includes(secret));
  assert.ok(!isShown, `${place} shows a secret`);
  assert.doesNotMatch(err, /panicked/, place);
  return { code, out, err, place };
}

/**
 * An operator at a console. `env` is what the shell has.
 *
 * @param {Record<string, string>} env
 */
export function operator(env) {
  const run = (args, { code = 0, input } = {}) =>
    runProgram(args, { env, input }).then((ran) => {
      assert.equal(ran.code, code, `${ran.place}\n${ran.out}\n${ran.err}`);
      return ran;
    });
  return {
    /** Runs a command that must end with `code`, and returns what it writes for people. */
    run,
    /** The same, without progress and notes. */
    says: async (...args) => (await run(args)).out,
    /** Runs a command with `--json`, checks the forms of both outputs, and returns the answer. */
    async json(form, args, how) {
      const ran = await run([...args, "--json"], how);
      for (const line of linesOf(ran.err)) checkForm(formBeside(line), line, ran.place);
      const lines = linesOf(ran.out);
      for (const line of lines) checkForm(form, line, ran.place);
      return { ...ran, lines, answer: lines.at(-1), beside: linesOf(ran.err) };
    },
    /** Runs a command that must fail with `code`, in both forms; returns its `ApiError`. */
    async fails(code, args, how) {
      const ran = await run(args, { ...how, code });
      const { beside } = await this.json("ApiError", args, { ...how, code });
      const error = beside.at(-1);
      assert.ok(error.next.length > 0, `${ran.place}: no next step`);
      assert.match(ran.err, /^error: ./m, ran.place);
      assert.ok(ran.err.endsWith(`\n${error.next}\n`), `${ran.place}: ${ran.err} has no next step`);
      return error;
    },
    with: (more) => operator({ ...env, ...more }),
  };
}
