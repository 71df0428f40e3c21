INSERT INTO watches AS w (user_id, owner, version, acked, everyone_version)
SELECT ?1, ?2, t.version, t.version, coalesce((SELECT e.version FROM everyone e WHERE e.id = 1), 0)
FROM (
  SELECT max(
    CAST(unixepoch('subsec') * 1000 AS INTEGER),
    ?3 + 1,
    coalesce((SELECT m.version + 1 FROM watch_marks m WHERE m.user_id = ?1), 0)
  ) AS version
) t
WHERE true
ON CONFLICT (user_id) DO UPDATE SET
  owner = excluded.owner,
  version = max(w.version + 1, excluded.version),
  acked = max(w.version + 1, excluded.version),
  everyone_version = excluded.everyone_version
WHERE excluded.owner > w.owner OR (excluded.owner = w.owner AND w.version < ?3)
