-- Reads the watch of one user, and whether it is behind a change for all users.
SELECT json_object(
  'owner',
  owner,
  'version',
  version,
  'acked',
  acked,
  'behind',
  everyone_version < (SELECT everyone.version FROM everyone WHERE everyone.id = 1)
) AS json
FROM watches
WHERE user_id = ?1
