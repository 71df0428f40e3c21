SELECT w.owner AS owner, w.version AS version,
  coalesce(
    (SELECT CASE WHEN u.deleted THEN 'dead' WHEN u.banned THEN 'banned' ELSE 'live' END FROM users u WHERE u.id = w.user_id),
    'unknown'
  ) AS standing,
  (SELECT json_group_array(ur.name) FROM user_role_names ur WHERE ur.user_id = ?1) AS roles,
  (SELECT json_group_array(json_object('id', m.org_id, 'role', m.role, 'permissions', json(m.permissions)))
    FROM org_memberships m WHERE m.user_id = w.user_id) AS organizations
FROM watches w
WHERE w.user_id = ?1
