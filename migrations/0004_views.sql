-- The app roles that count: the default role and the metadata's, plus grants, minus revocations;
-- of users who live and are not banned. The tutorial's requireRole query runs on it unchanged, by
-- primary key at each step: users by id, roles by name, then by rowid, grants by (user, role).
CREATE VIEW user_roles AS
SELECT u.id AS user_id, r.id AS role_id
FROM users u
CROSS JOIN roles r
LEFT JOIN role_grants g ON g.user_id = u.id AND g.role_id = r.id
WHERE u.deleted = 0 AND u.banned = 0 AND r.name IS NOT NULL AND r.name <> ''
  AND coalesce(
    g.granted,
    r.name = (SELECT s.value FROM settings s WHERE s.key = 'default_role')
    OR EXISTS (SELECT 1 FROM json_each(u.app_roles) j WHERE j.value = r.name)
  );

-- The tutorial's writes become grants and revocations, later than whatever stands.
CREATE TRIGGER user_roles_insert INSTEAD OF INSERT ON user_roles BEGIN INSERT INTO role_grants (user_id, role_id, granted, at, id, actor) VALUES (NEW.user_id, NEW.role_id, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER), 'sql:' || lower(hex(randomblob(8))), 'sql') ON CONFLICT (user_id, role_id) DO UPDATE SET granted = 1, at = max(excluded.at, role_grants.at + 1), id = excluded.id, actor = excluded.actor, reason = ''; END;
CREATE TRIGGER user_roles_delete INSTEAD OF DELETE ON user_roles BEGIN INSERT INTO role_grants (user_id, role_id, granted, at, id, actor) VALUES (OLD.user_id, OLD.role_id, 0, CAST(unixepoch('subsec') * 1000 AS INTEGER), 'sql:' || lower(hex(randomblob(8))), 'sql') ON CONFLICT (user_id, role_id) DO UPDATE SET granted = 0, at = max(excluded.at, role_grants.at + 1), id = excluded.id, actor = excluded.actor, reason = ''; END;

-- Live roles by key; of several with one key the greatest rank counts.
CREATE VIEW org_role_catalogue AS
SELECT r.key AS key, r.permissions AS permissions
FROM org_roles r
WHERE r.deleted = 0 AND NOT EXISTS (
  SELECT 1 FROM org_roles o
  WHERE o.deleted = 0 AND o.key = r.key
    AND (o.updated_at, o.event_at, o.projection, o.digest) > (r.updated_at, r.event_at, r.projection, r.digest)
);

-- Whether a membership's own list of permissions may still speak for a role that the catalogue
-- lacks. Not once a complete catalogue has been read, and not while any role is known to be dead:
-- a tombstone is blank, so the missing role may be the dead one.
CREATE VIEW catalogue_gap AS
SELECT 1 AS open
WHERE NOT EXISTS (SELECT 1 FROM settings s WHERE s.key = 'catalogue_complete')
  AND NOT EXISTS (SELECT 1 FROM org_roles d WHERE d.deleted = 1);

-- The organization roles that count, with their permissions.
CREATE VIEW org_memberships AS
SELECT m.user_id AS user_id, m.org_id AS org_id, m.role AS role,
  CASE
    WHEN EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = m.role) THEN (
      SELECT json_group_array(coalesce(p.key, j.value ->> 'key'))
      FROM org_role_catalogue c
      JOIN json_each(c.permissions) j
      LEFT JOIN org_permissions p ON p.id = j.value ->> 'id'
      WHERE c.key = m.role AND coalesce(p.deleted, 0) = 0
    )
    WHEN EXISTS (SELECT 1 FROM catalogue_gap) THEN m.permissions
    ELSE '[]'
  END AS permissions
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
