-- Reads the watch of one user, the app roles, the memberships, and the permissions of each
-- organization role once. One statement, so that all rows have the same version. Many small rows,
-- because D1 aborts a statement with a value larger than 2 MB.
SELECT
  'watch' AS kind,
  watches.owner AS owner,
  watches.version AS version,
  NULL AS id,
  coalesce(
    (
      SELECT CASE WHEN users.deleted THEN 'dead' WHEN users.banned THEN 'banned' ELSE 'live' END
      FROM users
      WHERE users.id = watches.user_id
    ),
    'unknown'
  ) AS name,
  NULL AS permissions
FROM watches
WHERE watches.user_id = ?1
UNION ALL
SELECT 'role', NULL, NULL, NULL, user_role_names.name, NULL
FROM user_role_names
WHERE user_role_names.user_id = ?1
UNION ALL
SELECT
  'member',
  NULL,
  NULL,
  member.org_id,
  member.role,
  iif(
    EXISTS (SELECT 1 FROM org_role_catalogue AS role WHERE role.key = member.role),
    NULL,
    member.permissions
  )
FROM org_memberships AS member
WHERE member.user_id = ?1
UNION ALL
SELECT 'role_permissions', NULL, NULL, NULL, member.role, member.permissions
FROM (
  SELECT held.role AS role, min(held.org_id) AS org_id
  FROM org_memberships AS held
  WHERE held.user_id = ?1
    AND EXISTS (SELECT 1 FROM org_role_catalogue AS role WHERE role.key = held.role)
  GROUP BY held.role
) AS one
JOIN org_memberships AS member ON +member.org_id = one.org_id AND +member.role = one.role
WHERE member.user_id = ?1
