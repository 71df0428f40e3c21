-- The app roles that count, of users who live and are not banned: the default role and the
-- metadata's, plus grants, minus revocations. The tutorial's requireRole query runs on it
-- unchanged, by primary key at each step: users by id, roles by name, grants by (user, role).
CREATE VIEW user_roles AS
SELECT u.id AS user_id, r.id AS role_id
FROM users u
CROSS JOIN roles r
LEFT JOIN role_grants g ON g.user_id = u.id AND g.role_id = r.id
WHERE u.deleted = 0 AND u.banned = 0 AND typeof(r.name) = 'text' AND r.name <> ''
  AND coalesce(
    g.granted,
    r.name = (SELECT s.value FROM settings s WHERE s.key = 'default_role')
    OR EXISTS (SELECT 1 FROM json_each(u.app_roles) j WHERE j.type = 'text' AND j.value = r.name)
  );

-- The tutorial's writes become grants and revocations, later than whatever stands.
CREATE TRIGGER user_roles_insert INSTEAD OF INSERT ON user_roles BEGIN INSERT INTO role_grants (user_id, role_id, granted, at, id, actor) VALUES (NEW.user_id, NEW.role_id, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER), 'sql:' || lower(hex(randomblob(8))), 'sql') ON CONFLICT (user_id, role_id) DO UPDATE SET granted = 1, at = max(excluded.at, role_grants.at + 1), id = excluded.id, actor = excluded.actor, reason = ''; END;
CREATE TRIGGER user_roles_delete INSTEAD OF DELETE ON user_roles BEGIN INSERT INTO role_grants (user_id, role_id, granted, at, id, actor) VALUES (OLD.user_id, OLD.role_id, 0, CAST(unixepoch('subsec') * 1000 AS INTEGER), 'sql:' || lower(hex(randomblob(8))), 'sql') ON CONFLICT (user_id, role_id) DO UPDATE SET granted = 0, at = max(excluded.at, role_grants.at + 1), id = excluded.id, actor = excluded.actor, reason = ''; END;

-- Live roles by key. Of several with one key the greatest rank counts.
CREATE VIEW org_role_catalogue AS
SELECT r.id AS id, r.key AS key
FROM org_roles r
WHERE r.deleted = 0 AND NOT EXISTS (
  SELECT 1 FROM org_roles k
  WHERE k.deleted = 0 AND k.key = r.key
    AND (k.updated_at, k.event_at, k.projection, k.digest) > (r.updated_at, r.event_at, r.projection, r.digest)
);

-- What each live role lists, one row for each permission. An element of another shape is passed
-- over: asked for in this way, and not with j.value, it raises no error for the good ones beside it.
CREATE VIEW role_permissions AS
SELECT r.id AS role_id, r.key AS role, r.permissions ->> (j.fullkey || '.id') AS id, r.permissions ->> (j.fullkey || '.key') AS key
FROM org_roles r
CROSS JOIN json_each(r.permissions) j
WHERE r.deleted = 0
  AND json_type(r.permissions, j.fullkey || '.id') = 'text'
  AND json_type(r.permissions, j.fullkey || '.key') = 'text';

-- Whether a membership's own list of permissions may still speak for a role that the catalogue
-- lacks. Only while nothing at all is known of the catalogue: once something is, the role that is
-- missing may be one that was deleted or renamed, and what its members list may be outdated.
CREATE VIEW catalogue_gap AS
SELECT 1 AS open
WHERE NOT EXISTS (SELECT 1 FROM settings s WHERE s.key = 'catalogue_complete')
  AND NOT EXISTS (SELECT 1 FROM org_roles)
  AND NOT EXISTS (SELECT 1 FROM org_permissions);

-- The organization roles that count, with their permissions.
CREATE VIEW org_memberships AS
SELECT m.user_id AS user_id, m.org_id AS org_id, m.role AS role,
  iif(
    EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = m.role),
    (
      SELECT json_group_array(coalesce(p.key, c.key))
      FROM org_role_catalogue r
      JOIN role_permissions c ON c.role_id = r.id
      LEFT JOIN org_permissions p ON p.id = c.id
      WHERE r.key = m.role AND coalesce(p.deleted, 0) = 0
    ),
    (
      SELECT json_group_array(j.value)
      FROM catalogue_gap
      JOIN json_each(m.permissions) j
      WHERE j.type = 'text'
    )
  ) AS permissions
FROM memberships m
WHERE m.deleted = 0
  AND NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = m.org_id AND o.deleted = 1)
  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.user_id AND (u.deleted = 1 OR u.banned = 1));

-- Every synced row by kind and id, with its rank: what decides the outcome of a delivery.
CREATE VIEW synced AS
SELECT 'user' AS entity, id, deleted, updated_at, event_at, projection, digest FROM users
UNION ALL SELECT 'organization', id, deleted, updated_at, event_at, projection, digest FROM organizations
UNION ALL SELECT 'membership', id, deleted, updated_at, event_at, projection, digest FROM memberships
UNION ALL SELECT 'role', id, deleted, updated_at, event_at, projection, digest FROM org_roles
UNION ALL SELECT 'permission', id, deleted, updated_at, event_at, projection, digest FROM org_permissions;
