// Isolates of ssr that flush: each request is one flush of the next of them. `/floor` sends it to
// an object that answers at once.

/** More than there are requests at once: the flushes of an isolate come one after another. */
const ISOLATES = 1_024;

const seconds = (metric, labels, bounds) => ({
  metric, labels, value: 12_345, buckets: Array.from({ length: bounds + 1 }, (_, i) => i * i),
});

/** What an isolate of ssr counts in 15 seconds. */
const VALUES = [
  { metric: "rolecall_guard_answers_total", labels: ["allowed", "granted"], value: 1_200 },
  { metric: "rolecall_guard_answers_total", labels: ["forbidden", "not-granted"], value: 31 },
  { metric: "rolecall_guard_answers_total", labels: ["signed-out", "no-session"], value: 57 },
  { metric: "rolecall_cache_answers_total", labels: ["object"], value: 1_220 },
  { metric: "rolecall_cache_answers_total", labels: ["fill"], value: 11 },
  { metric: "rolecall_session_refusals_total", labels: ["expired"], value: 40 },
  { metric: "rolecall_session_refusals_total", labels: ["signature"], value: 2 },
  seconds("rolecall_guard_seconds", ["allowed"], 12),
  seconds("rolecall_guard_seconds", ["forbidden"], 12),
  seconds("rolecall_guard_seconds", ["signed-out"], 12),
  seconds("rolecall_cache_age_seconds", ["object"], 10),
  seconds("rolecall_cache_age_seconds", ["fill"], 10),
];

let next = 0;

export default {
  async fetch(request, { METER, FLOOR }) {
    const objects = new URL(request.url).pathname === "/floor" ? FLOOR : METER;
    const flush = {
      source: `isolate-${next % ISOLATES}`,
      sequence: Math.floor(next / ISOLATES) + 1,
      worker: "ssr", at: Date.now(), shards: 1, values: VALUES,
    };
    next += 1;
    const init = { method: "POST", body: JSON.stringify(flush) };
    const stub = objects.get(objects.idFromName("meter-0"));
    const { result } = await (await stub.fetch("https://meter/flush", init)).json();
    return Response.json({ result }, { status: result === "counted" ? 200 : 500 });
  },
};

export class Floor {
  async fetch(request) {
    await request.text();
    return Response.json({ result: "counted" });
  }
}
