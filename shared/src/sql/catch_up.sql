-- Raises the version of one watch if a change for all users is newer.
UPDATE watches SET
  version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  everyone_version = (SELECT everyone.version FROM everyone WHERE everyone.id = 1)
WHERE user_id = ?1
  AND everyone_version < (SELECT everyone.version FROM everyone WHERE everyone.id = 1)
