// `console/openapi.json` describes the console's JSON API: the file is valid, and each answer has
// the form that it describes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";

import { METRICS_TOKEN, TOKEN, ask as send, settingsOf } from "./support/console.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { bearer } from "./support/sessions.mjs";

const DOCUMENT = JSON.parse(readFileSync(new URL("../../console/openapi.json", import.meta.url)));

/** A letter of each state that has one, and a replay of two of them. */
const ROWS = `
  INSERT INTO dead_letters
    (message_id, queue, svix_id, type, subject, reason, detail, attempts, first_seen_at,
     last_seen_at, envelope, state, state_at, digest)
  VALUES
    ('m1', 'q', 'msg_1', 'user.created', 'user_1', 'overloaded', 'd', 3, 1000, 2000, 'x', 'parked', 2000, ''),
    ('m2', 'q', NULL, NULL, NULL, 'malformed', 'not JSON', 1, 1001, 2000, '{', 'parked', 2000, 'x'),
    ('m3/4 ?', 'q', NULL, NULL, NULL, 'malformed', 'not JSON', 1, 1002, 2000, '{', 'discarded', 2000, '')`;

const FLOW = `
  INSERT INTO flow (hour, batches, messages, ignored, parked, lag_ms_max, lag_ms_sum, last_at)
  VALUES (1, 2, 30, 4, 3, 900, 1000, 3700000)`;

describe("console/openapi.json", () => {
  let system;
  let check;

  before(async () => {
    system = await startDirect([
      workerOf("durable"),
      workerOf("console", { bindings: settingsOf("http://127.0.0.1:9") }),
    ]);
    for (const text of [ROWS, FLOW]) await system.sql(text);
    const ajv = new Ajv({ strict: false, allErrors: true });
    ajv.addSchema(DOCUMENT, "api");
    check = (pointer, value, place) => {
      const validate = ajv.getSchema(`api#${pointer}`);
      assert.ok(validate, `${place}: no schema at ${pointer}`);
      assert.ok(validate(value), `${place}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
    };
  });
  after(() => system?.stop());

  it("is a valid OpenAPI document", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(DOCUMENT));
    assert.ok(valid, JSON.stringify(errors));
  });

  const escaped = (key) => key.replaceAll("~", "~0").replaceAll("/", "~1");

  /** The pointer to the schema of an answer, by the document. */
  function pointerOf(template, method, status, media) {
    let pointer = `/paths/${escaped(template)}/${method}/responses/${status}`;
    let response = DOCUMENT.paths[template][method].responses[status];
    assert.ok(response, `${method} ${template} answers ${status}, which is not described`);
    if (response.$ref) {
      pointer = response.$ref.slice(1);
      response = DOCUMENT.components.responses[pointer.split("/").at(-1)];
    }
    assert.ok(response.content[media], `${method} ${template} ${status}: ${media}`);
    return `${pointer}/content/${escaped(media)}/schema`;
  }

  const seen = new Set();

  /** Sends a request and checks the form of its answer. */
  async function ask(template, path, { method = "GET", headers = bearer(TOKEN), body } = {}) {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const url = await system.url("rolecall-console");
    const answer = await send(url, path, { method, headers: { ...headers, ...json }, body });
    const place = `${method} ${path}: ${answer.status}`;
    const media = answer.headers.get("content-type").split(";")[0];
    const pointer = pointerOf(template, method.toLowerCase(), answer.status, media);
    if (media === "application/x-ndjson") {
      answer.lines = answer.text.trimEnd().split("\n").map((line) => JSON.parse(line));
      for (const line of answer.lines) check(pointer, line, place);
    } else if (media === "application/json") {
      answer.json = JSON.parse(answer.text);
      check(pointer, answer.json, place);
    }
    seen.add(`${method.toLowerCase()} ${template}`);
    return answer;
  }

  /** A path for a template: ids are of things that are there, or not. */
  const pathOf = (template, id) => template.replace("{id}", encodeURIComponent(id));

  it("describes each answer of each route that reads", async () => {
    for (const [template, methods] of Object.entries(DOCUMENT.paths)) {
      if (!methods.get) continue;
      const headers = template === "/metrics" ? bearer(METRICS_TOKEN) : bearer(TOKEN);
      const id = template.includes("dead-letters") ? "m1" : "replay_x";
      const { status } = await ask(template, pathOf(template, id), { headers });
      assert.ok(status === 200 || (status === 404 && id === "replay_x"), `${template}: ${status}`);
      if (template === "/healthz") continue;
      assert.equal((await ask(template, pathOf(template, id), { headers: {} })).status, 401);
      // An id of nothing comes before a query that nobody knows, or after it.
      const odd = await ask(template, `${pathOf(template, id)}?odd=1`, { headers });
      assert.equal(odd.status, 400, template);
      const other = await ask(template, pathOf(template, "nothing"), { headers });
      if (template.includes("{id}")) assert.equal(other.status, 404, template);
    }
  });

  const API = "/api/v1";

  it("describes lists of letters, page by page, and letters that cannot be read", async () => {
    const list = (query) => ask(`${API}/dead-letters`, `${API}/dead-letters?${query}`);
    const ids = [];
    for (let next = ""; next !== null; ) {
      const cursor = next && `&cursor=${encodeURIComponent(next)}`;
      const { json } = await list(`limit=1${cursor}`);
      ids.push(...json.letters.map(({ id }) => id));
      next = json.next;
    }
    assert.deepEqual(ids, ["m1", "m2", "m3/4 ?"]);
    const found = async (query) => (await list(query)).json.letters.map(({ id }) => id);
    assert.deepEqual(await found("state=parked&reason=malformed"), ["m2"]);
    assert.deepEqual(await found("subject=user_1"), ["m1"]);
    assert.deepEqual(await found("type="), ["m2", "m3/4 ?"]);
    assert.deepEqual(await found("id=m1&id=m2&after=1001"), ["m2"]);
    const show = (id) => ask(`${API}/dead-letters/{id}`, pathOf(`${API}/dead-letters/{id}`, id));
    const { json } = await show("m2");
    assert.deepEqual([json.class, json.digest_matches, json.raw, json.event], ["unreadable", false, "{", null]);
    assert.equal((await show("m3/4 ?")).json.letter.state, "discarded");
    const matrix = await ask(`${API}/dead-letters/matrix`, `${API}/dead-letters/matrix?state=parked`);
    assert.equal(matrix.json.cells.reduce((sum, { letters }) => sum + letters, 0), 2);
  });

  it("describes an export, whose last line leads on", async () => {
    const path = `${API}/dead-letters/export`;
    const first = (await ask(path, `${path}?limit=2`)).lines;
    assert.deepEqual(first.slice(0, 2).map(({ letter, envelope }) => [letter.id, envelope]), [["m1", "x"], ["m2", "{"]]);
    const { next } = first.at(-1);
    const rest = (await ask(path, `${path}?limit=2&cursor=${encodeURIComponent(next)}`)).lines;
    assert.deepEqual([rest[0].letter.id, rest.at(-1)], ["m3/4 ?", { next: null }]);
  });

  it("describes the overview", async () => {
    const { json } = await ask(`${API}/overview`, `${API}/overview`);
    assert.deepEqual([json.parked, json.replaying, json.oldest_parked_at], [2, 0, 1000]);
    const hour = { at: 3600000, batches: 2, messages: 30, ignored: 4, parked: 3, lag_ms_max: 900, lag_ms_mean: 500 };
    assert.deepEqual([json.flow, json.last_batch_at], [[hour], 3700000]);
  });

  const post = (template, id, body, headers) =>
    ask(template, pathOf(template, id), { method: "POST", body, headers });

  it("describes each answer of each route that changes something", async () => {
    const plan = (more) => JSON.stringify({
      action: "replay", filter: { subject: "user_1" }, reason: "a test", rate: null, ...more,
    });
    const replays = `${API}/replays`;
    const { status, json, text } = await post(replays, "", plan());
    assert.deepEqual([status, json?.total, json?.state], [200, 1, "planned"], text);
    assert.equal((await post(replays, "", plan({ odd: 1 }))).status, 400);
    assert.equal((await post(replays, "", plan({ reason: "x".repeat(70_000) }))).status, 413);
    assert.equal((await post(replays, "", plan(), {})).status, 401);
    const foreign = { ...bearer(TOKEN), origin: "https://evil.example" };
    assert.equal((await post(replays, "", plan(), foreign)).status, 403);
    const shown = await ask(`${replays}/{id}`, `${replays}/${json.id}`);
    assert.deepEqual([shown.json.hash, shown.json.examples.length], [json.hash, 1]);
    const letters = await ask(`${replays}/{id}/letters`, `${replays}/${json.id}/letters?limit=1`);
    assert.deepEqual(letters.json.letters.map(({ id, planned }) => [id, planned]), [["m1", "unreadable"]]);
    const listed = await ask(replays, `${replays}?limit=1`);
    assert.deepEqual(listed.json.replays.map(({ id }) => id), [json.id]);
    const wrong = JSON.stringify({ hash: "x" });
    assert.equal((await post(`${replays}/{id}/apply`, json.id, wrong)).status, 409);
    assert.equal((await post(`${replays}/{id}/apply`, json.id, "{}")).status, 400);
    assert.equal((await post(`${replays}/{id}/apply`, "nothing", wrong)).status, 404);
    for (const [verb, want] of [["continue", 200], ["pause", 409], ["resume", 409], ["cancel", 200]]) {
      assert.equal((await post(`${replays}/{id}/${verb}`, json.id)).status, want, verb);
      assert.equal((await post(`${replays}/{id}/${verb}`, "nothing")).status, 404, verb);
    }
    const audit = await ask(`${API}/audit`, `${API}/audit?after=0`);
    assert.ok(audit.json.entries.some(({ action }) => action === "replays.created"));
  });

  it("describes explanations, and a change of roles that is only asked about", async () => {
    const template = `${API}/explain/{id}`;
    assert.equal((await ask(template, pathOf(template, "user_1"))).status, 200);
    assert.equal((await ask(template, pathOf(template, "msg_1"))).status, 200);
    const roles = `${API}/users/{id}/roles`;
    const change = { role: "admin", granted: true, reason: "a test", dry_run: true };
    await system.sql(
      `INSERT INTO users (id, app_roles, deleted, updated_at, event_at, projection, digest)
       VALUES ('user_1', '["editor"]', 0, 1, 1, 1, '')`,
    );
    const asked = await post(roles, "user_1", JSON.stringify(change));
    assert.deepEqual([asked.status, asked.json.done], [200, false], asked.text);
    assert.ok(asked.json.after.includes("admin") && !asked.json.before.includes("admin"));
    assert.deepEqual(await system.sql("SELECT * FROM role_grants"), []);
    assert.equal((await post(roles, "user_1", JSON.stringify({ ...change, odd: 1 }))).status, 400);
    assert.equal((await post(roles, "user_1", JSON.stringify(change), {})).status, 401);
  });

  it("was asked for each route", () => {
    const all = Object.entries(DOCUMENT.paths).flatMap(([template, methods]) =>
      Object.keys(methods).map((method) => `${method} ${template}`));
    assert.deepEqual([...seen].sort(), all.sort());
  });
});
