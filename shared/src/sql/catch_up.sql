UPDATE watches SET
  version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  everyone_version = (SELECT e.version FROM everyone e WHERE e.id = 1)
WHERE user_id = ?1 AND everyone_version < (SELECT e.version FROM everyone e WHERE e.id = 1)
