// Checks everything that the Workers log, in every suite, when its system stops: each line is one
// JSON object with the fields of docs/logging.md, and nothing in it is personal or secret.

import { readFileSync } from "node:fs";
import path from "node:path";

const PAGE = new URL("../../../docs/logging.md", import.meta.url);

/** The types of the page, as those of JavaScript. */
const TYPES = { text: "string", number: "number", "true or false": "boolean" };

/** The type of each field. The last three are of the fault points, which no release has. */
export const FIELDS = new Map([
  ...readFileSync(PAGE, "utf8").matchAll(/^\| `(\w+)` \| (text|number|true or false) \| /gm),
].map(([, name, type]) => [name, TYPES[type]]));
for (const name of ["point", "command", "subject"]) FIELDS.set(name, "string");

/** The reasons of each message that has one. */
const REASONS = new Map([
  ...readFileSync(PAGE, "utf8").split("| message | reasons |\n|---|---|\n")[1].split("\n\n")[0]
    .matchAll(/^\| `(.+?)` \| (.+) \|$/gm),
].map(([, message, cell]) => [message, cell.replaceAll("`", "").split(", ")]));

/** What no line may have, whatever it is about. */
const NEVER = {
  "an e-mail address": /[\w.+-]+@[\w-]+\.[a-z]{2,}/i,
  "a token": /\beyJ[\w-]{4,}/,
  "a secret": /\b(?:whsec_|sk_(?:live|test)_)[\w+/=]{4,}|\bbearer\s+[\w.-]{6,}/i,
  "an IPv4 address": /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])/,
  "an IPv6 address": /(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}(?![\w:])/i,
  "a name of the fixtures": /\b(?:John|Jane|Doe)\b/,
  "a canary": /canary-|private-canary|CanaryBrowser|idn_canary|\+1555\d{7}/,
};

/** What no line of ours may have: one in another's line forges nothing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

/** A field's text has at most 1,000 bytes and `…`; `trace_ids` 4,000. */
const bytesMax = (name) => (name === "trace_ids" ? 4_000 : 1_000) + Buffer.byteLength("…");

/** What no line may have, ours or not: a panic, or an error that nobody caught, may have it too. */
function* privateIn(text, secrets) {
  for (const [what, pattern] of Object.entries(NEVER)) if (pattern.test(text)) yield what;
  for (const secret of secrets) if (text.includes(secret)) yield "a secret of this suite";
}

/** What is wrong with the form of one of the Workers' lines. */
function* mistakesIn(text) {
  if (CONTROL.test(text)) yield "a control character";
  let line;
  try {
    line = JSON.parse(text);
  } catch {
    return yield "no JSON";
  }
  for (const name of ["level", "worker", "message"]) if (!(name in line)) yield `no ${name}`;
  for (const [name, value] of Object.entries(line)) {
    const type = FIELDS.get(name);
    if (type === undefined) yield `the unknown field ${name}`;
    else if (typeof value !== type) yield `${name}, which is no ${type}`;
    else if (type === "string" && bytesMax(name) < Buffer.byteLength(value)) yield `a long ${name}`;
  }
  const { message, reason } = line;
  if (reason !== undefined && !REASONS.get(message)?.includes(reason)) yield "an unknown reason";
}

/**
 * How messages begin that are no lines of ours: those of workerd, of wrangler, of workers-rs after a
 * test has aborted a Worker, and of apps with `packages/guard`.
 */
const NOT_OURS = new RegExp(
  [
    "\\s", "NOSENTRY ", "\\}", "\\{\\s", "uncaught ", "error", "\\w*Error\\b", "workerd/", "\\S+: ",
    "✘", "▲", "\\[", "Cannot ", "Your Worker", "Exported actor class ", "Critical RuntimeError: ",
    "Reinitializing Wasm application$",
  ].map((begin) => `^${begin}`).join("|"),
  "i",
);

const isOurLine = (text) => text.startsWith('{"level"');

const isOurMessage = (text) => isOurLine(text) || !NOT_OURS.test(text);

/** Returns what is wrong with what was logged, a text for each line with a mistake. */
export function mistakesOf(messages, secrets = [], isOurs = isOurMessage) {
  // A short value would be found everywhere.
  const hidden = [...new Set(secrets)].filter((secret) => 12 <= secret.length);
  const wrong = [];
  for (const message of messages) {
    const form = isOurs(message);
    // The runtime says where it listens.
    const text = form ? message : message.replaceAll("127.0.0.1", "");
    const found = [...privateIn(text, hidden), ...(form ? mistakesIn(text) : [])];
    const mistakes = [...new Set(found)];
    if (mistakes.length > 0) wrong.push(`${mistakes.join(", ")}: ${JSON.stringify(message)}`);
  }
  return wrong;
}

/** Fails if a line has what no line may have. */
export function checkLog(messages, secrets, isOurs) {
  const wrong = mistakesOf(messages, secrets, isOurs);
  if (wrong.length === 0) return;
  throw new Error(`A-8 ${wrong.length} lines of the log are wrong:\n${wrong.slice(0, 20).join("\n")}`);
}

/** The same for `workers.log` in the folder of a local system, where our lines begin with a time. */
export function checkLogFile(state, secrets) {
  const text = readFileSync(path.join(state, "workers.log"), "utf8");
  const lines = text.split("\n").map((line) => line.replace(/^\d{4}-\S+Z \w+ /, ""));
  checkLog(lines, secrets, isOurLine);
}
