-- Tables of the operators: the life of each dead letter, replays, the chain of the audit trail.

-- Fails, and changes nothing, where a table or a view has one of the new names. README.md tells the
-- operator what to do.
CREATE TABLE rolecall_room (
  name TEXT,
  CONSTRAINT "a name that Rolecall needs is taken, see migrations/README.md" CHECK (
    name NOT IN ('replays', 'replay_letters', 'replay_counts', 'dead_letter_counts')
    AND name NOT IN ('flow', 'heartbeats', 'operator_names')
  )
);

INSERT INTO rolecall_room (name)
SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view');

DROP TABLE rolecall_room;

-- The life of a dead letter: shared/src/operators/letter.rs. generation is the number of times that
-- it was parked again. digest is that of its bytes, empty for a letter from before this step.
-- replay_id is the replay that took it last, claim the step of that replay which marked it, and
-- sent_at the time at which its message was in the queue. returns counts the messages that were
-- lost between the two.
ALTER TABLE dead_letters ADD COLUMN state TEXT NOT NULL DEFAULT 'parked' CHECK (
  state IN ('parked', 'replaying', 'applied', 'superseded', 'duplicate', 'discarded')
);
ALTER TABLE dead_letters ADD COLUMN state_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN replay_id TEXT;
ALTER TABLE dead_letters ADD COLUMN claim TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN sent_at INTEGER;
ALTER TABLE dead_letters ADD COLUMN returns INTEGER NOT NULL DEFAULT 0;

UPDATE dead_letters SET state_at = last_seen_at;

-- Each cell of the matrix, and each filter, is a range of one of these. All end with the letter's
-- id, so a page goes on after (first_seen_at, message_id).
CREATE INDEX dead_letters_by_state ON dead_letters (state, first_seen_at);
CREATE INDEX dead_letters_by_reason ON dead_letters (state, reason, first_seen_at);
CREATE INDEX dead_letters_by_type ON dead_letters (state, type, first_seen_at);
CREATE INDEX dead_letters_by_cell ON dead_letters (state, reason, type, first_seen_at);
CREATE INDEX dead_letters_by_subject ON dead_letters (subject, first_seen_at)
WHERE subject IS NOT NULL;
CREATE INDEX dead_letters_by_svix_id ON dead_letters (svix_id) WHERE svix_id IS NOT NULL;
-- Those whose message may be lost: first the unsent ones.
CREATE INDEX dead_letters_replaying ON dead_letters (sent_at, state_at)
WHERE state = 'replaying';
CREATE INDEX dead_letters_by_claim ON dead_letters (claim) WHERE claim <> '';

-- How many letters there are, by UTC day of first_seen_at. Kept by triggers: a page of the console
-- must not count a million rows. A letter without a type is counted under ''.
CREATE TABLE dead_letter_counts (
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  type TEXT NOT NULL,
  day INTEGER NOT NULL,
  letters INTEGER NOT NULL,
  PRIMARY KEY (state, reason, type, day)
) STRICT, WITHOUT ROWID;

INSERT INTO dead_letter_counts (state, reason, type, day, letters)
SELECT state, reason, coalesce(type, ''), first_seen_at / 86400000, count(*)
FROM dead_letters
GROUP BY 1, 2, 3, 4;

-- One replay, or one discard, of many letters: shared/src/operators/replay.rs. progress is its
-- state machine as JSON, and step the number of its last step: each driver compares and sets that
-- number.
CREATE TABLE replays (
  id TEXT NOT NULL PRIMARY KEY,
  action TEXT NOT NULL CHECK (action IN ('replay', 'discard')),
  state TEXT NOT NULL CHECK (
    state IN (
      'planning',
      'planned',
      'checking',
      'canary',
      'running',
      'paused',
      'done',
      'refused',
      'stopped',
      'canceled'
    )
  ),
  is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  filter TEXT NOT NULL CHECK (json_valid(filter)),
  plan_hash TEXT NOT NULL DEFAULT '',
  progress TEXT NOT NULL CHECK (json_valid(progress)),
  step INTEGER NOT NULL DEFAULT 0,
  idempotency_key TEXT
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX replays_by_idempotency_key ON replays (idempotency_key)
WHERE idempotency_key IS NOT NULL;
CREATE INDEX replays_by_age ON replays (created_at);
-- Those that the cron carries on.
CREATE INDEX replays_open ON replays (updated_at) WHERE is_open = 1;

-- What was planned for each letter of a replay, and what became of it. waiting: it was not sent
-- yet. sent: its message is on its way. left: the replay ended without it.
CREATE TABLE replay_letters (
  replay_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  planned TEXT NOT NULL CHECK (
    planned IN ('applied', 'superseded', 'duplicate', 'unreadable', 'newer')
  ),
  became TEXT NOT NULL DEFAULT 'waiting' CHECK (
    became IN (
      'waiting', 'sent', 'applied', 'superseded', 'duplicate', 'parked', 'discarded', 'left'
    )
  ),
  became_at INTEGER,
  PRIMARY KEY (replay_id, position)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX replay_letters_by_letter ON replay_letters (message_id, replay_id);
CREATE INDEX replay_letters_by_became ON replay_letters (replay_id, became, position);

-- The same, counted. Kept by triggers.
CREATE TABLE replay_counts (
  replay_id TEXT NOT NULL,
  planned TEXT NOT NULL,
  became TEXT NOT NULL,
  letters INTEGER NOT NULL,
  PRIMARY KEY (replay_id, planned, became)
) STRICT, WITHOUT ROWID;

-- The audit trail is a chain: each row holds the hash of the one before it. A trigger refuses a row
-- that does not continue it. id is the number as text, with zeros in front.
ALTER TABLE audit ADD COLUMN seq INTEGER;
ALTER TABLE audit ADD COLUMN prev TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_by_seq ON audit (seq);
CREATE INDEX audit_by_target ON audit (target, seq);

-- The names of operators, beside the trail: a row may be deleted, and the trail stays whole.
CREATE TABLE operator_names (
  actor TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The end of a grant or a revocation, in milliseconds. The sweep removes the row then.
ALTER TABLE role_grants ADD COLUMN ends_at INTEGER;
CREATE INDEX role_grants_ending ON role_grants (ends_at) WHERE ends_at IS NOT NULL;

-- The D1 batch that recorded the delivery, as in the consumer's log.
ALTER TABLE deliveries ADD COLUMN batch TEXT NOT NULL DEFAULT '';
-- The last deliveries about one id. Costs one more row written for each new delivery.
CREATE INDEX deliveries_by_subject ON deliveries (subject, applied_at) WHERE subject IS NOT NULL;

-- What the consumer committed in each hour, by the batches' own counts. lag: from the arrival at
-- ingest to the commit. A batch that is committed twice counts twice.
CREATE TABLE flow (
  hour INTEGER NOT NULL PRIMARY KEY,
  batches INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  ignored INTEGER NOT NULL,
  parked INTEGER NOT NULL,
  lag_ms_max INTEGER NOT NULL,
  lag_ms_sum INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT;

-- When something that runs by itself last ran: the sweep.
CREATE TABLE heartbeats (
  name TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT, WITHOUT ROWID;
