-- Reads at most 101 live memberships of one user, or one membership, with what decides whether each
-- counts. own: its own list of permissions, which counts only while nothing was heard of its role.
SELECT json_object(
  'id',
  member.id,
  'org_id',
  member.org_id,
  'role',
  member.role,
  'deleted',
  member.deleted,
  'outranked',
  held.id IS NULL,
  'rival',
  iif(
    held.id IS NULL,
    (
      SELECT rival.id
      FROM membership_pairs AS pair
      CROSS JOIN (
        SELECT id, org_id, updated_at, event_at, projection, digest
        FROM memberships
        WHERE user_id = member.user_id AND deleted = 0
        LIMIT 1000
      ) AS rival
      WHERE pair.org_id = member.org_id
        AND pair.user_id = member.user_id
        AND rival.org_id = pair.org_id
        AND (rival.updated_at, rival.event_at, rival.projection, rival.digest)
          = (pair.updated_at, pair.event_at, pair.projection, pair.digest)
      LIMIT 1
    ),
    NULL
  ),
  'organization',
  (
    SELECT iif(organizations.deleted, 'dead', 'live')
    FROM organizations
    WHERE organizations.id = member.org_id
  ),
  'user',
  (
    SELECT iif(users.deleted, 'dead', iif(users.banned, 'banned', 'live'))
    FROM users
    WHERE users.id = member.user_id
  ),
  'role_is_known',
  EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = member.role),
  'own',
  iif(
    EXISTS (SELECT 1 FROM org_role_catalogue AS role WHERE role.key = member.role),
    json('[]'),
    (
      SELECT json_group_array(
        json_object(
          'key',
          entry.value,
          'retired',
          EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = entry.value)
        )
      )
      FROM json_each(member.permissions) AS entry
      WHERE entry.type = 'text'
    )
  )
) AS json
FROM (
  SELECT ?1 AS id
  UNION ALL
  SELECT first.id
  FROM (
    SELECT live.id AS id
    FROM memberships AS live
    WHERE live.user_id = ?1 AND live.deleted = 0
    ORDER BY live.id
    LIMIT 101
  ) AS first
) AS chosen
CROSS JOIN memberships AS member ON member.id = chosen.id
LEFT JOIN current_memberships AS held ON held.id = member.id
