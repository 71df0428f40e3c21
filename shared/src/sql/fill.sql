SELECT 'watch' AS kind, w.owner AS owner, w.version AS version, NULL AS id,
  coalesce(
    (SELECT CASE WHEN u.deleted THEN 'dead' WHEN u.banned THEN 'banned' ELSE 'live' END FROM users u WHERE u.id = w.user_id),
    'unknown'
  ) AS name,
  NULL AS permissions
FROM watches w
WHERE w.user_id = ?1
UNION ALL
SELECT 'role', NULL, NULL, NULL, ur.name, NULL
FROM user_role_names ur
WHERE ur.user_id = ?1
UNION ALL
SELECT 'member', NULL, NULL, m.org_id, m.role,
  iif(EXISTS (SELECT 1 FROM org_role_catalogue k WHERE k.key = m.role), NULL, m.permissions)
FROM org_memberships m
WHERE m.user_id = ?1
UNION ALL
SELECT 'carries', NULL, NULL, NULL, m.role, m.permissions
FROM (
  SELECT h.role AS role, min(h.org_id) AS org_id
  FROM org_memberships h
  WHERE h.user_id = ?1 AND EXISTS (SELECT 1 FROM org_role_catalogue k WHERE k.key = h.role)
  GROUP BY h.role
) one
JOIN org_memberships m ON +m.org_id = one.org_id AND +m.role = one.role
WHERE m.user_id = ?1
