-- Reads what the deciding roles of the same memberships list, each permission with what decides
-- whether it counts. key: its own key, once its row is known.
SELECT json_object(
  'role',
  role.key,
  'role_id',
  role.id,
  'listed',
  (
    SELECT json_group_array(
      json_object(
        'id',
        listed.id,
        'listed',
        listed.key,
        'key',
        permission.key,
        'deleted',
        permission.deleted,
        'retired',
        EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = listed.key)
      )
    )
    FROM role_permissions AS listed
    LEFT JOIN org_permissions AS permission ON permission.id = listed.id
    WHERE listed.role_id = role.id
  )
) AS json
FROM (
  SELECT DISTINCT member.role AS key
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
) AS held_role
CROSS JOIN org_role_catalogue AS role ON role.key = held_role.key
