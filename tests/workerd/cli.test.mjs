// The program `rolecall` against the real Workers: each command as a process, what it writes for
// people and for programs, its exit codes, and what it says when something else answers.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

import * as clerk from "./support/clerk.mjs";
import { operator } from "./support/cli.mjs";
import { METRICS_TOKEN, SECOND_TOKEN, TOKEN, settingsOf } from "./support/console.mjs";
import { OTHER_SECRET, SECRET, WEBHOOK, deliver, newId } from "./support/delivery.mjs";
import { startDirect, workerOf } from "./support/direct.mjs";
import { messageOf } from "./support/pipeline.mjs";
import { PEM_VARS } from "./support/sessions.mjs";
import { waitFor } from "./support/wait.mjs";

const WORKERS = ["console", "consumer", "durable", "ingest", "ssr"];

/** The last attempt of the dead-letter queue. */
const DEAD_LAST = 101;

/** While it is there, D1 refuses each new row of a user. */
const CLOSE = `CREATE TRIGGER test_users_are_closed BEFORE INSERT ON users
  BEGIN SELECT RAISE(ABORT, 'closed by the test'); END`;
const OPEN = "DROP TRIGGER test_users_are_closed";

/** Fast: the tests wait for no pace of people. */
const FAST = ["--interval", "0.05"];

const WHY = ["--reason", "a test"];

describe("the program rolecall", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "rolecall-home-"));
  let system;
  let ingest;
  let consumer;
  let url;
  let shell;

  before(async () => {
    const own = { console: settingsOf("http://127.0.0.1:9"), ssr: PEM_VARS };
    system = await startDirect(WORKERS.map((name) => workerOf(name, { bindings: own[name] })));
    [ingest, consumer] = await Promise.all(
      ["rolecall-ingest", "rolecall-consumer"].map((name) => system.worker(name)),
    );
    url = await urlOf("console");
    shell = operator({ HOME: folder, ROLECALL_URL: url, ROLECALL_TOKEN: TOKEN });
  });
  after(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const urlOf = async (name) => new URL(await system.url(`rolecall-${name}`)).origin;
  const one = async (text, ...args) => (await system.sql(text, ...args))[0];

  /** Delivers an event and waits for the row of its delivery. */
  async function settle(event) {
    const { id } = await deliver(ingest, event);
    const text = "SELECT * FROM deliveries WHERE svix_id = ?1";
    return waitFor(`${id} is settled`, () => one(text, id));
  }

  const letterOf = ({ svix_id }) =>
    one("SELECT * FROM dead_letters WHERE svix_id = ?1", svix_id);

  /** Parks events of users: D1 refuses them for a moment. */
  async function parked(events) {
    await system.sql(CLOSE);
    const rows = await Promise.all(events.map(settle)).finally(() => system.sql(OPEN));
    assert.deepEqual(new Set(rows.map(({ outcome }) => outcome)), new Set(["parked"]));
    return Promise.all(rows.map(letterOf));
  }

  /** Parks events of new users, and returns their letters and the words that choose them. */
  async function newcomers(count) {
    const users = Array.from({ length: count }, () => clerk.newId("user"));
    const letters = await parked(users.map((user) => clerk.withRole(user, "editor")));
    return { users, letters, filter: letters.map(({ message_id }) => `id=${message_id}`) };
  }

  const statesOf = async (letters) => {
    const rows = letters.map(({ message_id }) =>
      one("SELECT state FROM dead_letters WHERE message_id = ?1", message_id));
    return (await Promise.all(rows)).map(({ state }) => state);
  };

  /** The counts of a replay, as `planned → became`. */
  const countsOf = ({ counts }) =>
    Object.fromEntries(counts.map((it) => [`${it.planned} → ${it.became}`, it.letters]));

  describe("who and where", () => {
    it("login takes the token from standard input, after the console has accepted it", async () => {
      const home = path.join(folder, "login");
      const bare = operator({ HOME: home });
      const none = await bare.fails(2, ["login", url]);
      assert.match(none.message, /no token was read/);
      const wrong = await bare.fails(4, ["login", url], { input: SECOND_TOKEN.replace("s", "S") });
      assert.equal(wrong.error, "invalid-token");
      assert.match((await bare.fails(2, ["status"])).next, /rolecall login/);

      const ingestUrl = `${await urlOf("ingest")}${WEBHOOK}`;
      const args = ["login", url, "--ingest-url", ingestUrl];
      const { out } = await bare.run(args, { input: `${TOKEN}\n` });
      assert.match(out, /may change things\nprofile `default` is in .*config\.toml/);
      const file = path.join(home, ".config/rolecall/config.toml");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const second = ["login", url, "--profile", "second"];
      const { answer } = await bare.json("Whoami", second, { input: SECOND_TOKEN });
      const { answer: first } = await bare.json("Whoami", ["whoami"]);
      assert.deepEqual([answer.may_change, first.may_change], [true, true]);
      assert.notEqual(answer.actor, first.actor, "the trail tells the tokens apart");
      assert.match(await bare.says("whoami", "--profile", "second"), new RegExp(answer.actor));

      // What a profile holds is for its own address alone.
      const other = await bare.fails(4, ["whoami", "--url", await urlOf("ssr")]);
      assert.equal(other.error, "no-token");
      const sender = bare.with({ CLERK_WEBHOOK_SECRET: SECRET });
      const sent = await sender.run(["send", "fixture", "role.created"]);
      assert.match(sent.out, /^202 msg_/);
      await bare.run(["logout", "--profile", "second"]);
      const gone = await bare.fails(2, ["whoami", "--profile", "second"]);
      assert.match(gone.message, /no profile `second`/);
      assert.doesNotMatch(readFileSync(file, "utf8"), new RegExp(SECOND_TOKEN));
    });

    it("a token that opens nothing ends with 4", async () => {
      for (const token of [METRICS_TOKEN, `${TOKEN}x`]) {
        const stranger = shell.with({ ROLECALL_TOKEN: token });
        assert.equal((await stranger.fails(4, ["dead-letters", "list"])).error, "invalid-token");
      }
    });

    it("another address, an old console and none end with 3 and the next step", async () => {
      const at = (address) => shell.with({ ROLECALL_URL: address });
      for (const worker of ["ssr", "ingest"]) {
        const { next } = await at(await urlOf(worker)).fails(3, ["status"]);
        assert.match(next, /[Cc]heck the address/, worker);
      }
      const none = { error: "no-route", message: "no such route", next: "x" };
      let answer = [404, "application/json", none];
      const server = createServer((_, response) => {
        const [status, type, body] = answer;
        response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
      });
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      const old = `http://127.0.0.1:${server.address().port}`;
      assert.match((await at(old).fails(3, ["explain", "user_1"])).next, /older than this program/);
      answer = [200, "application/json", { actor: "token:1" }];
      assert.match((await at(old).fails(3, ["whoami"])).next, /update the older one/);
      answer = [200, "text/html", "hello"];
      assert.equal((await at(old).fails(3, ["whoami"])).error, "not-a-console");
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      const offline = await at(old).fails(3, ["status"]);
      assert.equal(offline.error, "offline");
      assert.match(offline.next, /runs at this address/);
      assert.equal((await at("http://console.example.com").fails(2, ["status"])).error, "usage");
    });

    it("completions for each shell know the commands", async () => {
      for (const name of ["bash", "zsh", "fish", "elvish", "powershell"]) {
        assert.match(await shell.says("completions", name), /dead-letters/, name);
      }
    });
  });

  describe("the night", () => {
    it("status tells the flow and the backlog", async () => {
      await newcomers(1);
      const { answer } = await shell.json("Overview", ["status"]);
      assert.ok(answer.flow.length > 0, JSON.stringify(answer));
      const text = await shell.says("status");
      assert.match(text, /parked/);
    });

    it("letters are listed, counted, shown and exported", async () => {
      const { letters, filter } = await newcomers(3);
      const ids = letters.map(({ message_id }) => message_id).sort();
      const list = ["dead-letters", "list", ...filter];
      const { answer: page } = await shell.json("LetterPage", [...list, "--limit", "2"]);
      assert.equal(page.letters.length, 2);
      const second = [...list, "--limit", "2", "--cursor", page.next];
      const { answer: rest } = await shell.json("LetterPage", second);
      const listed = [...page.letters, ...rest.letters].map(({ id }) => id);
      assert.deepEqual([listed.sort(), rest.next], [ids, null]);
      const all = await shell.json("LetterSummary", [...list, "--limit", "1", "--all-pages"]);
      assert.deepEqual(all.lines.map(({ id }) => id).sort(), ids);
      for (const id of ids) assert.ok((await shell.says(...list)).includes(id), id);
      const page2 = `${url}/dead-letters?reason=refused-by-database&subject=${letters[0].subject}`;
      const { answer: same } = await shell.json("LetterPage", ["dead-letters", "list", page2]);
      assert.deepEqual(same.letters.map(({ id }) => id), [letters[0].message_id]);

      const counting = ["dead-letters", "matrix", "--state", "parked"];
      const { answer: matrix } = await shell.json("LetterMatrix", counting);
      const counted = await one("SELECT count(*) AS n FROM dead_letters WHERE state = 'parked'");
      assert.equal(matrix.cells.reduce((sum, { letters: n }) => sum + n, 0), counted.n);
      assert.match(await shell.says("dead-letters", "matrix"), /refused-by-database/);

      const show = ["dead-letters", "show", ids[0]];
      const { answer: letter } = await shell.json("LetterDetail", show);
      assert.equal(letter.letter.id, ids[0]);
      assert.match(await shell.says(...show), /closed by the test/);
      assert.equal((await shell.fails(1, ["dead-letters", "show", "nothing"])).error, "not-found");

      const output = path.join(folder, "letters.ndjson");
      const exporting = ["dead-letters", "export", ...filter];
      await shell.run([...exporting, "--output", output]);
      assert.equal(statSync(output).mode & 0o777, 0o600);
      await shell.run([...exporting, "--output", output], { code: 2 });
      const { out, lines } = await shell.json("ExportedLetter", exporting);
      assert.equal(readFileSync(output, "utf8"), out);
      const bytes = new Map(letters.map(({ message_id, envelope }) => [message_id, envelope]));
      for (const line of lines) assert.equal(line.envelope, bytes.get(line.letter.id));
      assert.equal(lines.length, ids.length);
    });

    it("a plan names the class of each letter, and is applied only as it was read", async () => {
      const { users, letters, filter } = await newcomers(7);
      const at = clerk.later();
      const [older, same] = [clerk.newId("user"), clerk.newId("user")];
      const twice = clerk.withRole(same, "editor", { at });
      const late = await parked([clerk.withRole(older, "old", { at }), twice]);
      await settle(clerk.withRole(older, "new", { at: at + 1 }));
      // Sent again from the endpoint's log, and applied.
      await deliver(ingest, twice, { id: late[1].svix_id });
      const again = "SELECT 1 FROM deliveries WHERE svix_id = ?1 AND outcome = 'applied'";
      await waitFor("it is applied", () => one(again, late[1].svix_id));
      const unreadable = await letterOf(await settle("{"));
      const newer = messageOf('{"v":9999}', { attempts: DEAD_LAST });
      await consumer.queue("rolecall-dead", [newer]);
      const ids = [...late, unreadable].map(({ message_id }) => `id=${message_id}`);
      const chosen = [...filter, ...ids, `id=${newer.id}`];
      const planned = { applied: 7, superseded: 1, duplicate: 1, unreadable: 1, newer: 1 };

      const plan = ["dead-letters", "plan", ...chosen, ...WHY];
      const { answer, beside } = await shell.json("Replay", plan);
      assert.equal(answer.state, "planned");
      const classes = Object.fromEntries(answer.counts.map((it) => [it.planned, it.letters]));
      assert.deepEqual(classes, planned);
      assert.ok(beside.some(({ seq }) => seq > 0), "the head of the trail");
      const { out, err } = await shell.run(plan);
      for (const name of Object.keys(planned)) assert.match(out, new RegExp(`\\b${name}\\b`));
      const [, id, hash] = /rolecall dead-letters apply (\S+) --hash (\S+)/.exec(err);

      const apply = ["dead-letters", "apply", id, "--hash", hash, ...FAST];
      assert.equal((await shell.fails(2, apply)).error, "usage", "without --yes");
      const other = answer.hash.replace(/^./, "g");
      const wrong = ["dead-letters", "apply", id, "--hash", other, "--yes"];
      assert.equal((await shell.fails(5, wrong)).error, "plan-changed");
      assert.deepEqual(new Set(await statesOf(letters)), new Set(["parked"]));

      const { answer: done, beside: progress } = await shell.json("Replay", [...apply, "--yes"]);
      assert.equal(done.state, "done");
      assert.deepEqual(countsOf(done), {
        "applied → applied": 7, "superseded → superseded": 1, "duplicate → duplicate": 1,
        "unreadable → left": 1, "newer → left": 1,
      });
      assert.ok(progress.filter(({ state }) => state).length > 1, "each change is a line");
      assert.deepEqual(new Set(await statesOf(letters)), new Set(["applied"]));
      const { answer: second } = await shell.json("Replay", [...apply, "--yes"]);
      assert.deepEqual(second, done, "applying twice is harmless");

      const { answer: user } = await shell.json("Explanation", ["roles", "list", users[0]]);
      assert.ok(user.entity.roles.some(({ role, counts }) => role === "editor" && counts));
      const status = ["dead-letters", "status"];
      assert.ok((await shell.json("ReplayPage", status)).answer.replays.some((it) => it.id === id));
      assert.deepEqual((await shell.json("Replay", [...status, id])).answer, done);
      assert.deepEqual((await shell.json("Replay", [...status, id, "--watch"])).answer, done);
      const some = [...status, id, "--letters", "--became", "left"];
      const { answer: left } = await shell.json("PlannedLetterPage", some);
      assert.deepEqual(left.letters.map((it) => it.planned).sort(), ["newer", "unreadable"]);
      const pages = [...status, id, "--letters", "--all-pages", "--limit", "4"];
      const every = await shell.json("PlannedLetter", pages);
      assert.equal(every.lines.length, 11);
      const proof = await shell.says(...status, id);
      for (const word of ["applied", "superseded", "duplicate", "left"]) {
        assert.match(proof, new RegExp(word));
      }

      // The world changes between the plan and its apply.
      const planning = ["dead-letters", "plan", ids[2], ...WHY];
      const { answer: stale } = await shell.json("Replay", planning);
      await shell.run(["dead-letters", "discard", ids[2], ...WHY, "--yes", ...FAST]);
      const refused = ["dead-letters", "apply", stale.id, "--hash", stale.hash, "--yes", ...FAST];
      const { answer: end } = await shell.json("Replay", refused, { code: 5 });
      assert.equal(end.state, "refused");
    });

    it("a canary that is parked again stops the replay; without the cause it is done", async () => {
      const { letters, filter } = await newcomers(7);
      await system.sql(CLOSE);
      const replay = ["dead-letters", "replay", ...filter, ...WHY, "--yes", ...FAST];
      const stopping = shell.json("Replay", replay, { code: 5 });
      const { answer, beside } = await stopping.finally(() => system.sql(OPEN));
      assert.deepEqual([answer.state, answer.sent], ["stopped", 5]);
      assert.equal(beside.at(-1).error, "canary-stopped");
      assert.deepEqual(new Set(await statesOf(letters)), new Set(["parked"]));
      const { out } = await shell.run(replay);
      assert.match(out, /applied/);
      assert.deepEqual(new Set(await statesOf(letters)), new Set(["applied"]));
    });

    it("a replay is paused, resumed, watched and canceled", async () => {
      const { letters, filter } = await newcomers(8);
      const slow = ["--rate", "1", "--no-watch", "--yes"];
      const replay = ["dead-letters", "replay", ...filter, ...WHY, ...slow];
      const { answer: begun } = await shell.json("Replay", replay);
      const step = (word, ...more) => ["dead-letters", word, begun.id, ...more];
      assert.equal((await shell.fails(2, step("pause"))).error, "usage", "without --yes");
      const { answer: paused } = await shell.json("Replay", step("pause", "--yes"));
      assert.equal(paused.state, "paused");
      const watch = step("status", "--watch", ...FAST);
      const { beside } = await shell.json("Replay", watch, { code: 5 });
      assert.match(beside.at(-1).next, /rolecall dead-letters resume/);
      const planning = ["dead-letters", "plan", filter[7], ...WHY];
      const { answer: plan } = await shell.json("Replay", planning);
      const early = ["dead-letters", "status", plan.id, "--watch", ...FAST];
      const unapplied = await shell.json("Replay", early, { code: 5 });
      assert.equal(unapplied.beside.at(-1).error, "not-applied");
      const { answer: resumed } = await shell.json("Replay", step("resume", "--yes"));
      assert.ok(!["paused", "canceled"].includes(resumed.state), resumed.state);
      const watching = shell.json("Replay", watch, { code: 5 });
      await waitFor("the canary has arrived", async () => {
        return (await statesOf(letters)).filter((state) => state === "applied").length >= 5;
      });
      await shell.run(step("cancel", "--yes"));
      assert.equal((await watching).answer.state, "canceled");
      assert.ok((await statesOf(letters)).includes("parked"), "the others stay parked");
      assert.equal((await shell.fails(5, step("resume", "--yes"))).next.length > 0, true);
    });

    it("letters are discarded after a plan, and what is not chosen ends with 1", async () => {
      const { letters, filter } = await newcomers(2);
      const discard = ["dead-letters", "discard", ...filter, ...WHY];
      await shell.fails(2, discard);
      const { answer } = await shell.json("Replay", [...discard, "--yes", ...FAST]);
      assert.deepEqual(countsOf(answer), { "applied → discarded": 2 });
      assert.deepEqual(await statesOf(letters), ["discarded", "discarded"]);
      const nothing = await shell.fails(1, [...discard, "--yes"]);
      assert.equal(nothing.error, "nothing-chosen");
      const { message } = await shell.fails(2, ["dead-letters", "discard", ...WHY, "--yes"]);
      assert.match(message, /filter/i);
    });
  });

  describe("why", () => {
    it("explains a delivery, and each kind of entity", async () => {
      const [user, org, membership, role, permission] =
        ["user", "org", "orgmem", "role", "perm"].map(clerk.newId);
      const key = "org:reports:read";
      const events = [
        clerk.permission(permission, { key }),
        clerk.role(role, { key: "org:admin", permissions: [{ id: permission, key }] }),
        clerk.organization(org),
        clerk.user(user, { public_metadata: { role: "editor" } }),
        clerk.membership(membership, { org, user, role: "org:admin" }),
      ];
      const rows = [];
      for (const event of events) rows.push(await settle(event));
      for (const { svix_id } of rows) {
        const { answer } = await shell.json("Explanation", ["explain", svix_id]);
        assert.deepEqual([answer.entity, answer.delivery.row.outcome], [null, "applied"]);
        assert.match(await shell.says("explain", svix_id), /applied/);
      }
      for (const id of [permission, role, org, user, membership]) {
        const { answer } = await shell.json("Explanation", ["explain", id]);
        assert.deepEqual([answer.delivery, answer.id], [null, id]);
        assert.match(await shell.says("explain", id), new RegExp(id));
      }
      const text = await shell.says("explain", user);
      for (const word of ["editor", "member", "org:admin"]) assert.match(text, new RegExp(word));
      assert.equal((await shell.fails(1, ["explain", newId()])).error, "not-found");
      const stranger = await shell.json("Explanation", ["explain", clerk.newId("user")]);
      assert.equal(stranger.answer.entity.row, null, "no event came, and that is said");
    });

    it("grants and revokes a role, with the roles before and after", async () => {
      const user = clerk.newId("user");
      await settle(clerk.user(user));
      const roles = async () => {
        const { answer } = await shell.json("Explanation", ["roles", "list", user]);
        return answer.entity.roles.filter(({ counts }) => counts).map(({ role }) => role);
      };
      const grant = ["roles", "grant", user, "support", ...WHY, "--ends", "8h"];
      await shell.fails(2, grant);
      assert.deepEqual(await roles(), ["member"]);
      const { answer, beside } = await shell.json("RoleChange", [...grant, "--yes"]);
      assert.deepEqual([answer.before, answer.after], [["member"], ["member", "support"]]);
      assert.ok(beside.some(({ seq }) => seq > 0), "the head of the trail");
      assert.deepEqual(await roles(), ["member", "support"]);
      const { out } = await shell.run(["roles", "revoke", user, "support", ...WHY, "--yes"]);
      assert.match(out, /member/);
      assert.deepEqual(await roles(), ["member"]);
      assert.match(await shell.says("roles", "list", user), /support/, "why it does not count");
      const stranger = ["roles", "grant", clerk.newId("user"), "support", ...WHY, "--yes"];
      await shell.fails(1, stranger);
    });

    it("sends an event that is accepted, applied and explained", async () => {
      const to = `${await urlOf("ingest")}${WEBHOOK}`;
      const sender = shell.with({ CLERK_WEBHOOK_SECRET: SECRET, ROLECALL_INGEST_URL: to });
      const send = async (args, how) => {
        const ran = await sender.run(["send", ...args, "--json"], how);
        return ran.out.trimEnd().split("\n").map((line) => JSON.parse(line));
      };
      const [sent] = await send(["fixture", "user.created"]);
      assert.deepEqual(Object.keys(sent), ["svix_id", "timestamp", "status", "body"]);
      assert.equal(sent.status, 202);
      const settled = "SELECT 1 FROM deliveries WHERE svix_id = ?1";
      await waitFor("it is settled", () => one(settled, sent.svix_id));
      const { answer } = await shell.json("Explanation", ["explain", sent.svix_id]);
      const { type, outcome } = answer.delivery.row;
      assert.deepEqual([type, outcome], ["user.created", "applied"]);

      const file = path.join(folder, "event.json");
      writeFileSync(file, JSON.stringify(clerk.withRole(clerk.newId("user"), "editor")));
      const id = newId();
      const twice = await send([file, "--id", id, "--count", "2"]);
      assert.deepEqual(twice.map((it) => [it.svix_id, it.status]), [[id, 202], [id, 202]]);
      const [piped] = await send(["-"], { input: readFileSync(file) });
      assert.equal(piped.status, 202);
      const [spoiled] = await send(["fixture", "user.created", "--bad-signature"], { code: 1 });
      const [old] = await send(["fixture", "user.created", "--timestamp", "1h"], { code: 1 });
      assert.deepEqual([spoiled.status, old.status], [401, 401]);
      const other = sender.with({ CLERK_WEBHOOK_SECRET: OTHER_SECRET });
      const { err } = await other.run(["send", "fixture", "user.created"], { code: 1 });
      assert.match(err, /Check CLERK_WEBHOOK_SECRET/);
      const away = ["send", "fixture", "user.created", "--to", "http://127.0.0.1:9/"];
      assert.equal((await sender.fails(3, away)).error, "offline");
      assert.match(await shell.says("send", "fixture"), /^user\.created$/m);
      assert.match((await shell.fails(2, ["send", file, "--to", to])).next, /CLERK_WEBHOOK_SECRET/);
    });
  });

  describe("the audit trail", () => {
    it("has each change with its reason, and refused ones", async () => {
      const all = ["audit", "list", "--all-pages", "--limit", "10"];
      const { lines } = await shell.json("AuditEntry", all);
      const numbers = lines.map(({ seq }) => seq);
      assert.deepEqual(numbers, numbers.toSorted((a, b) => b - a), "the newest first");
      const actions = new Set(lines.map(({ action }) => action));
      const want = ["replays.created", "replays.applied", "letters.replayed", "letters.settled"];
      for (const action of want) {
        assert.ok(actions.has(action), `${action} in ${[...actions].join(" ")}`);
      }
      const some = ["audit", "list", "--after", "1", "--limit", "2"];
      const { answer } = await shell.json("AuditPage", some);
      assert.deepEqual(answer.entries.map(({ seq }) => seq), [2, 3]);
      assert.ok([...actions].some((action) => action.startsWith("refused:")), "refused attempts");
      assert.match(await shell.says("audit", "list"), /token:/);
    });

    it("A-7 verify notices entries that were changed, and a trail that was made anew", async () => {
      const { answer: head } = await shell.json("AuditHead", ["audit", "verify"]);
      assert.equal(head.seq, (await one("SELECT count(*) AS n FROM audit")).n);
      assert.match(await shell.says("audit", "verify"), /^whole: \d+ entries$/m);
      const known = ["audit", "verify", "--seq", `${head.seq}`, "--head", head.hash];
      await shell.run(known);
      const wrong = await shell.fails(1, [...known.slice(0, -1), "0".repeat(64)]);
      assert.equal(wrong.error, "audit-rewritten");

      const change = "UPDATE audit SET detail = ?1 WHERE seq = 2";
      await assert.rejects(system.sql(change, "{}"), /append only/);
      for (const event of ["update", "delete"]) {
        await system.sql(`DROP TRIGGER audit_is_append_only_${event}`);
      }
      const { detail } = await one("SELECT detail FROM audit WHERE seq = 2");
      await system.sql(change, '{"reason":"none"}');
      const changed = await shell.fails(1, ["audit", "verify"]);
      assert.equal(changed.error, "audit-broken");
      assert.match(changed.message, /\b2\b/);
      await system.sql(change, detail);
      await shell.run(["audit", "verify"]);

      // Set back by three entries, and continued by the console itself: the chain is whole.
      const user = clerk.newId("user");
      await settle(clerk.user(user));
      await system.sql("DELETE FROM audit WHERE seq > ?1", head.seq - 3);
      const elsewhere = shell.with({ HOME: path.join(folder, "elsewhere") });
      for (const role of ["a", "b", "c", "d"]) {
        await elsewhere.run(["roles", "grant", user, role, ...WHY, "--yes"]);
      }
      const { answer: anew } = await elsewhere.json("AuditHead", ["audit", "verify"]);
      assert.equal(anew.seq, head.seq + 1, "who has seen no earlier head cannot know");
      const rewritten = await shell.fails(1, ["audit", "verify"]);
      assert.equal(rewritten.error, "audit-rewritten");
      assert.equal((await elsewhere.fails(1, known)).error, "audit-rewritten");
    });
  });
});
