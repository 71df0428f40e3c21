-- Raises the versions of at most ?1 watches that are behind a change for all users, the furthest
-- behind first.
UPDATE watches SET
  version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  everyone_version = (SELECT everyone.version FROM everyone WHERE everyone.id = 1)
WHERE user_id IN (
  SELECT behind.user_id
  FROM watches AS behind
  WHERE behind.everyone_version < (SELECT everyone.version FROM everyone WHERE everyone.id = 1)
  ORDER BY behind.everyone_version, behind.user_id
  LIMIT ?1
)
