-- Lets a bounded number of watches take in what has changed for every user, the furthest behind
-- first: their versions rise.
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
