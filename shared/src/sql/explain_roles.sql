-- Reads the app roles that are named for one user, each with the number of its name and with what
-- operators last decided on it: those of the metadata, the default role, those of operators.
SELECT json_object(
  'source',
  named.source,
  'name',
  named.name,
  'role_id',
  role.id,
  'granted',
  decision.granted,
  'at',
  decision.at,
  'actor',
  decision.actor,
  'reason',
  decision.reason,
  'ends_at',
  decision.ends_at
) AS json
FROM (
  SELECT 'metadata' AS source, entry.value AS name
  FROM users CROSS JOIN json_each(users.app_roles) AS entry
  WHERE users.id = ?1 AND entry.type = 'text'
  UNION ALL
  SELECT 'default', settings.value FROM settings WHERE settings.key = 'default_role'
) AS named
LEFT JOIN roles AS role ON role.name = named.name AND typeof(role.name) = 'text'
LEFT JOIN role_grants AS decision ON decision.user_id = ?1 AND decision.role_id = role.id
UNION ALL
SELECT json_object(
  'source',
  'operators',
  'name',
  iif(typeof(role.name) = 'text', role.name, NULL),
  'role_id',
  decision.role_id,
  'granted',
  decision.granted,
  'at',
  decision.at,
  'actor',
  decision.actor,
  'reason',
  decision.reason,
  'ends_at',
  decision.ends_at
)
FROM role_grants AS decision
LEFT JOIN roles AS role ON role.id = decision.role_id
WHERE decision.user_id = ?1
