-- The users whose role cache has filled. version > acked is the outbox: a hint is owed.
CREATE TABLE watches (
  user_id TEXT NOT NULL PRIMARY KEY,
  owner INTEGER NOT NULL,
  version INTEGER NOT NULL,
  acked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX watches_pending ON watches (version) WHERE version > acked;

-- What became of each delivery: one row per svix-id, written with its effects.
CREATE TABLE deliveries (
  svix_id TEXT NOT NULL PRIMARY KEY,
  type TEXT NOT NULL,
  subject TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('applied', 'superseded', 'duplicate', 'parked', 'ignored')),
  event_at INTEGER,
  attempted_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  applied_at INTEGER NOT NULL,
  body_digest TEXT NOT NULL,
  copies INTEGER NOT NULL DEFAULT 1,
  id_reused INTEGER NOT NULL DEFAULT 0 CHECK (id_reused IN (0, 1))
) STRICT, WITHOUT ROWID;

-- What could not be applied, with the reason. One row per queue message.
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

-- What operators did. Append only.
CREATE TABLE audit (
  id TEXT NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
