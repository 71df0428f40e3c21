-- Organization roles that count, with their permissions. A live role decides for its key. Where no
-- role has the key, the membership's own list of permissions speaks, but only for a key that was
-- never heard of. A retired permission is left out of every list.

-- The live memberships that no greater rank of their pair has passed.
CREATE VIEW current_memberships AS
SELECT
  memberships.id AS id,
  memberships.org_id AS org_id,
  memberships.user_id AS user_id,
  memberships.role AS role,
  memberships.permissions AS permissions
FROM memberships
WHERE memberships.deleted = 0
  AND NOT EXISTS (
    SELECT 1 FROM membership_pairs AS pair
    WHERE pair.org_id = memberships.org_id
      AND pair.user_id = memberships.user_id
      AND (pair.updated_at, pair.event_at, pair.projection, pair.digest)
        > (
          memberships.updated_at,
          memberships.event_at,
          memberships.projection,
          memberships.digest
        )
  );

-- Of several live roles with one key, the one of the greatest rank.
CREATE VIEW org_role_catalogue AS
SELECT role.id AS id, role.key AS key
FROM org_roles AS role
WHERE role.deleted = 0
  AND NOT EXISTS (
    SELECT 1 FROM org_roles AS rival
    WHERE rival.deleted = 0
      AND rival.key = role.key
      AND (rival.updated_at, rival.event_at, rival.projection, rival.digest)
        > (role.updated_at, role.event_at, role.projection, role.digest)
  );

-- What each live role lists, one row for each permission. An element of another shape is skipped.
-- It is read from the whole list by its path: entry.value would raise an error for an element that
-- is no JSON object, and the good ones beside it would be lost.
CREATE VIEW role_permissions AS
SELECT
  role.id AS role_id,
  role.key AS role,
  role.permissions ->> (entry.fullkey || '.id') AS id,
  role.permissions ->> (entry.fullkey || '.key') AS key
FROM org_roles AS role
CROSS JOIN json_each(role.permissions) AS entry
WHERE role.deleted = 0
  AND json_type(role.permissions, entry.fullkey || '.id') = 'text'
  AND json_type(role.permissions, entry.fullkey || '.key') = 'text';

-- The permission keys that were heard of and that no live permission has.
CREATE VIEW retired_permissions AS
SELECT known.key AS key
FROM org_permission_keys AS known
WHERE NOT EXISTS (
  SELECT 1 FROM org_permissions AS permission
  WHERE permission.deleted = 0 AND permission.key = known.key
);

-- Users who hold a permission by its key alone, retired or not: by a role that lists it while its
-- own row is unknown, or by a membership's own list. For the triggers.
CREATE VIEW permission_holders AS
SELECT listed.key AS key, member.user_id AS user_id
FROM role_permissions AS listed
CROSS JOIN current_memberships AS member
WHERE member.role = listed.role
  AND NOT EXISTS (SELECT 1 FROM org_permissions AS permission WHERE permission.id = listed.id)
UNION ALL
SELECT own.permission AS key, member.user_id AS user_id
FROM listed_permissions AS own
CROSS JOIN current_memberships AS member
WHERE member.role = own.role
  AND NOT EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = own.role)
  AND NOT EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = own.role)
  AND EXISTS (
    SELECT 1 FROM json_each(member.permissions) AS entry
    WHERE entry.type = 'text' AND entry.value = own.permission
  );

-- The organization roles of each user, with a JSON list of permissions.
CREATE VIEW org_memberships AS
SELECT
  member.user_id AS user_id,
  member.org_id AS org_id,
  member.role AS role,
  iif(
    EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = member.role),
    (
      SELECT json_group_array(coalesce(permission.key, listed.key))
      FROM org_role_catalogue AS role
      JOIN role_permissions AS listed ON listed.role_id = role.id
      LEFT JOIN org_permissions AS permission ON permission.id = listed.id
      WHERE role.key = member.role
        AND iif(
          permission.id IS NULL,
          NOT EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = listed.key),
          permission.deleted = 0
        )
    ),
    (
      SELECT json_group_array(entry.value)
      FROM json_each(member.permissions) AS entry
      WHERE entry.type = 'text'
        AND NOT EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = member.role)
        AND NOT EXISTS (
          SELECT 1 FROM retired_permissions AS retired WHERE retired.key = entry.value
        )
    )
  ) AS permissions
FROM current_memberships AS member
WHERE NOT EXISTS (
    SELECT 1 FROM organizations
    WHERE organizations.id = member.org_id AND organizations.deleted = 1
  )
  AND NOT EXISTS (
    SELECT 1 FROM users
    WHERE users.id = member.user_id AND (users.deleted = 1 OR users.banned = 1)
  );
