-- App roles that count, of users who live and are not banned: the default role and those of the
-- metadata, plus grants, minus revocations.

-- By number. The tutorial's requireRole query runs on it unchanged, by primary key at each step:
-- users by id, roles by name, grants by user and role.
CREATE VIEW user_roles AS
SELECT users.id AS user_id, roles.id AS role_id
FROM users
CROSS JOIN roles
LEFT JOIN role_grants ON role_grants.user_id = users.id AND role_grants.role_id = roles.id
WHERE users.deleted = 0
  AND users.banned = 0
  AND typeof(roles.name) = 'text'
  AND roles.name <> ''
  AND coalesce(
    role_grants.granted,
    roles.name = (SELECT settings.value FROM settings WHERE settings.key = 'default_role')
    OR EXISTS (
      SELECT 1 FROM json_each(users.app_roles) AS entry
      WHERE entry.type = 'text' AND entry.value = roles.name
    )
  );

-- The tutorial's writes become grants and revocations, later than the last one.
CREATE TRIGGER user_roles_insert INSTEAD OF INSERT ON user_roles
BEGIN
  INSERT INTO role_grants (user_id, role_id, granted, at, id, actor)
  VALUES (
    NEW.user_id,
    NEW.role_id,
    1,
    (SELECT now_ms FROM rolecall_clock),
    'sql:' || lower(hex(randomblob(8))),
    'sql'
  )
  ON CONFLICT (user_id, role_id) DO UPDATE SET
    granted = 1,
    at = max(excluded.at, role_grants.at + 1),
    id = excluded.id,
    actor = excluded.actor,
    reason = '',
    ends_at = NULL;
END;

CREATE TRIGGER user_roles_delete INSTEAD OF DELETE ON user_roles
BEGIN
  INSERT INTO role_grants (user_id, role_id, granted, at, id, actor)
  VALUES (
    OLD.user_id,
    OLD.role_id,
    0,
    (SELECT now_ms FROM rolecall_clock),
    'sql:' || lower(hex(randomblob(8))),
    'sql'
  )
  ON CONFLICT (user_id, role_id) DO UPDATE SET
    granted = 0,
    at = max(excluded.at, role_grants.at + 1),
    id = excluded.id,
    actor = excluded.actor,
    reason = '',
    ends_at = NULL;
END;

-- The same by name, from one user's own names: by metadata, by default, by grant. What a role cache
-- reads. It may show a name twice. A test holds the two views together.
CREATE VIEW user_role_names AS
SELECT users.id AS user_id, roles.name AS name
FROM users
CROSS JOIN json_each(users.app_roles) AS entry
CROSS JOIN roles
LEFT JOIN role_grants ON role_grants.user_id = users.id AND role_grants.role_id = roles.id
WHERE users.deleted = 0
  AND users.banned = 0
  AND entry.type = 'text'
  AND roles.name = entry.value
  AND typeof(roles.name) = 'text'
  AND roles.name <> ''
  AND coalesce(role_grants.granted, 1) = 1
UNION ALL
SELECT users.id AS user_id, roles.name AS name
FROM users
CROSS JOIN settings
CROSS JOIN roles
LEFT JOIN role_grants ON role_grants.user_id = users.id AND role_grants.role_id = roles.id
WHERE users.deleted = 0
  AND users.banned = 0
  AND settings.key = 'default_role'
  AND roles.name = settings.value
  AND typeof(roles.name) = 'text'
  AND roles.name <> ''
  AND coalesce(role_grants.granted, 1) = 1
UNION ALL
SELECT users.id AS user_id, roles.name AS name
FROM users
CROSS JOIN role_grants
CROSS JOIN roles
WHERE users.deleted = 0
  AND users.banned = 0
  AND role_grants.user_id = users.id
  AND role_grants.granted = 1
  AND roles.id = role_grants.role_id
  AND typeof(roles.name) = 'text'
  AND roles.name <> '';
