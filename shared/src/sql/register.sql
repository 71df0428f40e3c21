-- Registers a user's watch for a new owner, or again for the same owner if its version is below the
-- floor. The start version is at least the clock, and above the floor, the mark of a deleted watch
-- and the old version.
INSERT INTO watches AS stored (user_id, owner, version, acked, everyone_version)
SELECT
  ?1,
  ?2,
  start.version,
  start.version,
  coalesce((SELECT everyone.version FROM everyone WHERE everyone.id = 1), 0)
FROM (
  SELECT max(
    CAST(unixepoch('subsec') * 1000 AS INTEGER),
    ?3 + 1,
    coalesce((SELECT watch_marks.version + 1 FROM watch_marks WHERE watch_marks.user_id = ?1), 0)
  ) AS version
) AS start
WHERE true
ON CONFLICT (user_id) DO UPDATE SET
  owner = excluded.owner,
  version = max(stored.version + 1, excluded.version),
  acked = max(stored.version + 1, excluded.version),
  everyone_version = excluded.everyone_version
WHERE excluded.owner > stored.owner
  OR (excluded.owner = stored.owner AND stored.version < ?3)
