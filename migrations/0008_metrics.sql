-- What the metrics and the canary need to remember.

-- Fails, and changes nothing, where a table or a view has one of the new names. README.md tells the
-- operator what to do.
CREATE TABLE rolecall_room (
  name TEXT,
  CONSTRAINT "a name that Rolecall needs is taken, see migrations/README.md" CHECK (
    name NOT IN ('totals', 'canary_runs')
  )
);

INSERT INTO rolecall_room (name)
SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view');

DROP TABLE rolecall_room;

-- Counters that are exact: each is raised in the batch that it counts. metric is a name of
-- shared/src/metrics/table.rs, labels its label values, separated by commas. Only ever raised. The
-- number of rows is bounded by that table.
CREATE TABLE totals (
  metric TEXT NOT NULL,
  labels TEXT NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (metric, labels)
) STRICT, WITHOUT ROWID;

-- The canary: one row for each change of its user, for a day. role is the app role that it gives.
-- Each time, in ms, is the end of a stage: Clerk answered the change, the delivery arrived at the
-- door, the queue took it, the consumer took it, D1 committed it, and the role cache showed it.
-- asked_at is when Clerk was asked. updated_at is what Clerk answered: the delivery of the change
-- has it. problem says why Clerk did not answer as it should.
CREATE TABLE canary_runs (
  began_at INTEGER PRIMARY KEY,
  role TEXT NOT NULL,
  asked_at INTEGER,
  updated_at INTEGER,
  changed_at INTEGER,
  arrived_at INTEGER,
  queued_at INTEGER,
  taken_at INTEGER,
  committed_at INTEGER,
  seen_at INTEGER,
  problem TEXT
) STRICT;
