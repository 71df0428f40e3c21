-- Reads grants and revocations whose end has come.
SELECT
  role_grants.user_id AS user_id,
  role_grants.role_id AS role_id,
  role_grants.id AS id,
  role_grants.granted AS granted,
  role_grants.ends_at AS ends_at,
  roles.name AS role
FROM role_grants
LEFT JOIN roles ON roles.id = role_grants.role_id
WHERE role_grants.ends_at <= ?1
ORDER BY role_grants.ends_at
LIMIT ?2
