UPDATE watches SET
  version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  everyone_version = (SELECT e.version FROM everyone e WHERE e.id = 1)
WHERE user_id IN (
  SELECT w.user_id FROM watches w
  WHERE w.everyone_version < (SELECT e.version FROM everyone e WHERE e.id = 1)
  ORDER BY w.everyone_version, w.user_id
  LIMIT ?1
)
