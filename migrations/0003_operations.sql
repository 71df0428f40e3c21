-- Tables of the pipeline's own: who watches, what became of each delivery, what operators did.

-- The users whose role cache has filled. version > acked is the outbox: the cache is owed a hint.
-- everyone_version is the version of `everyone` that the watch has taken in.
CREATE TABLE watches (
  user_id TEXT NOT NULL PRIMARY KEY,
  owner INTEGER NOT NULL,
  version INTEGER NOT NULL,
  acked INTEGER NOT NULL,
  everyone_version INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX watches_pending ON watches (version) WHERE version > acked;
CREATE INDEX watches_behind ON watches (everyone_version);

-- The version of what every user has, that is of the default role: one row, which only rises. A
-- change of the default role writes this row alone. Each watch takes it in later: with its next
-- fill, or in a bounded step of the consumer, whichever comes first. Until then the watch is
-- behind. A fill never reads the roles of a watch that is behind: one version would name two sets.
CREATE TABLE everyone (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;

INSERT INTO everyone (id, version) VALUES (1, 0);

-- The version of a watch that was deleted while its version was at or ahead of the clock: a version
-- runs ahead by the number of changes to one user within one millisecond. The next watch of that
-- user begins above it, so that no version names two sets of roles, and the mark goes.
CREATE TABLE watch_marks (
  user_id TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What became of each delivery: one row per svix-id, written in the batch that applies it. note
-- says what of the delivery was left out, without any of its values. It is empty when nothing was.
CREATE TABLE deliveries (
  svix_id TEXT NOT NULL PRIMARY KEY,
  type TEXT NOT NULL,
  subject TEXT,
  outcome TEXT NOT NULL
    CHECK (outcome IN ('applied', 'superseded', 'duplicate', 'parked', 'ignored')),
  event_at INTEGER,
  attempted_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  applied_at INTEGER NOT NULL,
  body_digest TEXT NOT NULL,
  copies INTEGER NOT NULL DEFAULT 1,
  id_reused INTEGER NOT NULL DEFAULT 0 CHECK (id_reused IN (0, 1)),
  note TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- What could not be applied, with the reason: one row per queue message.
CREATE TABLE dead_letters (
  message_id TEXT NOT NULL PRIMARY KEY,
  queue TEXT NOT NULL,
  svix_id TEXT,
  type TEXT,
  subject TEXT,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL,
  first_seen_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  envelope TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX dead_letters_by_age ON dead_letters (first_seen_at);

-- What operators did. Append only: triggers refuse any change of a row.
CREATE TABLE audit (
  id TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT, WITHOUT ROWID;
