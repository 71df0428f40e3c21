// The wire format, by the samples that pin the Rust side too (tests/it/wire.rs).

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";

import type { GetRolesOptions } from "../src/index.ts";
import { getRoles, requireRole } from "../src/index.ts";
import { parseRefusalReason, parseRoleAnswer } from "../src/wire.ts";
import { Objects, USER, sample, says } from "./support.ts";

/** Every sample: none is pinned on one side only. */
const SAMPLES = [
  "answer.banned",
  "answer.compact",
  "answer.dead",
  "answer.live",
  "answer.unknown",
  "ask.fresh",
  "ask.min-version",
  "ask.plain",
  "contract",
  "malformed-answers",
  "refusal.misdirected",
  "refusal.unreachable",
];

describe("the wire format", () => {
  it("has only samples that are tested here", () => {
    const folder = new URL("../../../tests/fixtures/wire/", import.meta.url);
    const found = readdirSync(folder).sort();
    assert.deepEqual(found, SAMPLES.map((name) => `${name}.json`));
  });

  const { ask_url, method, binding } = JSON.parse(sample("contract"));
  const asks: [string, GetRolesOptions | undefined][] = [
    ["ask.plain", undefined],
    ["ask.plain", { fresh: false, minVersion: 0 }],
    ["ask.plain", { fresh: undefined, minVersion: undefined }],
    ["ask.fresh", { fresh: true }],
    ["ask.min-version", { minVersion: 1_764_000_000_123 }],
  ];
  for (const [name, options] of asks) {
    it(`sends the query ${name} for ${JSON.stringify(options)}`, async () => {
      const objects = new Objects(says(sample("answer.live")));
      assert.equal(binding, "ROLES");
      await requireRole(objects.env, USER, "admin", options);
      const [call, ...others] = objects.calls;
      assert.ok(call !== undefined && others.length === 0);
      assert.equal(method, "GET");
      assert.ok(!("method" in call.request) && !("body" in call.request));
      assert.equal(call.url, `${ask_url}?${encodeURIComponent(sample(name))}`);
      assert.equal(call.name, USER);
    });
  }

  it("parses the answer for a live user", async () => {
    const objects = new Objects(says(sample("answer.live")));
    const { validUntilMs, ageMs, ...known } = await getRoles(objects.env, USER);
    assert.deepEqual(known, {
      userId: USER,
      version: 1_764_000_000_123,
      userStatus: "live",
      roles: ["admin", "member"],
      organizations: [
        {
          id: "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
          role: "org:admin",
          permissions: ["org:posts:read", "org:posts:write"],
        },
        { id: "org_2h8op3Isl1QR7tKu5FGNfaLKEoU", role: "org:member", permissions: [] },
      ],
      source: "object",
    });
    assert.ok(1_250 <= ageMs && Date.now() < validUntilMs);
  });

  it("parses the compact answer to the same roles", () => {
    assert.ok(sample("answer.compact").includes('"lists"'));
    const want = parseRoleAnswer(sample("answer.live"));
    assert.deepEqual(parseRoleAnswer(sample("answer.compact")), want);
  });

  for (const [userStatus, version, source, ageMs, validForMs] of [
    ["unknown", 1_764_000_000_001, "fill", 0, 60_000],
    ["banned", 1_764_000_000_124, "object", 10, 59_990],
    ["dead", 1_764_000_000_125, "isolate", 10, 0],
  ] as const) {
    it(`parses the answer for a user with status ${userStatus}`, () => {
      const set = { version, userStatus, roles: [], organizations: [] };
      const want = { set, source, ageMs, validForMs };
      assert.deepEqual(parseRoleAnswer(sample(`answer.${userStatus}`)), want);
    });
  }

  it("parses the reason of a refusal", () => {
    assert.equal(parseRefusalReason(sample("refusal.unreachable")), "unreachable");
    assert.equal(parseRefusalReason(sample("refusal.misdirected")), "misdirected");
    for (const odd of ["", "null", "[]", "{}", '{"reason":7}', "<html>"]) {
      assert.equal(parseRefusalReason(odd), undefined, odd);
    }
  });
});
