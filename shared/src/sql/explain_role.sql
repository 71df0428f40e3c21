-- Reads the row of one organization role, and whether it decides for its key: no other live role
-- with the key has a greater rank.
SELECT json_object(
  'id',
  id,
  'key',
  key,
  'permissions',
  json(permissions),
  'deleted',
  deleted,
  'updated_at',
  updated_at,
  'event_at',
  event_at,
  'projection',
  projection,
  'digest',
  digest,
  'decides',
  EXISTS (
    SELECT 1 FROM org_role_catalogue AS role
    WHERE role.id = org_roles.id AND role.key = org_roles.key
  )
) AS json
FROM org_roles
WHERE id = ?1
