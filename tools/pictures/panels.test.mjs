// What the pictures of dashboards show, without a Prometheus.

import assert from "node:assert/strict";
import { test } from "node:test";

import { aligned, buckets, filled, labelled, withUnit } from "./panels.mjs";

test("variables are filled in as Grafana does", () => {
  const how = { job: "rolecall", minutes: 30, every_s: 15 };
  const text = 'rate(a{job="$job"}[$__rate_interval]) + increase(a[$__range])';
  assert.equal(filled(text, how), 'rate(a{job="rolecall"}[60s]) + increase(a[30m])');
});

test("a rate of a long time is taken over more than one step", () => {
  const how = { job: "rolecall", minutes: 24 * 60, every_s: 15 };
  assert.equal(filled("$__rate_interval", how), "375s");
});

test("a legend has the values of labels", () => {
  assert.equal(labelled("{{queue}} {{ action }}", { queue: "a", action: "ack" }), "a ack");
  assert.equal(labelled("{{queue}}", {}), "");
});

test("series of different times share one axis, with gaps", () => {
  const a = { values: [[1, "1"], [2, "2"]] };
  const b = { values: [[2, "NaN"], [3, "4"]] };
  assert.deepEqual(aligned([a, b]), [[1, 2, 3], [1, 2, null], [null, null, 4]]);
});

test("a cell of a heatmap is what falls between two bounds", () => {
  const at = (name, value) => ({ name, values: [[1, String(value)]] });
  const { bounds, cells } = buckets([at("+Inf", 7), at("0.5", 1), at("10", 5)]);
  assert.deepEqual(bounds, ["0.5", "10", "+Inf"]);
  assert.deepEqual(cells, [[1], [4], [2]]);
});

test("a value is shown in its unit", () => {
  const of = [
    [0.987, "percentunit", "98.7 %"],
    [0.0421, "s", "42.1 ms"],
    [75, "s", "75 s"],
    [12_288, "bytes", "12.3 kB"],
    [10e9, "bytes", "10 GB"],
    [1.5, "cps", "1.5 /s"],
    [1_234, "short", "1,230"],
    [Number.NaN, "s", "–"],
  ];
  for (const [value, unit, text] of of) assert.equal(withUnit(value, unit), text);
});
