-- What a shard of Meter keeps (shared/src/metrics/meter.rs): rows by key, and the past by minute.
CREATE TABLE IF NOT EXISTS kept (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
  at INTEGER PRIMARY KEY,
  series TEXT NOT NULL
) STRICT;
