// Runs the system for `cargo xtask dev`. The first line of standard input has the options of
// `start` as JSON; each further line is a request: a query to the database, `{"crons":true}` to run
// the crons at once, or `{"message":…}` for the consumer. Each line of standard output is a JSON
// object: first `{"ready":…}` or `{"fatal":…}`, then one answer per request. The program ends
// when its standard input ends, so that it cannot outlive the program that started it.

import { createInterface } from "node:readline";

import { start } from "./system.mjs";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const first = await lines.next();
if (first.done) process.exit(0);

const system = await start(JSON.parse(first.value)).catch((cause) => {
  say({ fatal: cause.message });
  process.exit(1);
});

function answer({ sql, args, crons, message }) {
  if (crons) return system.runCrons();
  if (message) return system.deliver(message);
  return system.query(sql, args);
}

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  await system.dispose();
  process.exit(0);
}
process.on("SIGINT", end);
process.on("SIGTERM", end);

say({ ready: { migrated: system.migrated } });
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  try {
    say({ rows: (await answer(JSON.parse(line))) ?? [] });
  } catch (cause) {
    say({ error: cause.message });
  }
}
await end();
