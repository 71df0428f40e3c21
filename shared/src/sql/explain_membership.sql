-- Reads the row of one membership.
SELECT json_object(
  'id',
  id,
  'org_id',
  org_id,
  'user_id',
  user_id,
  'role',
  role,
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
  digest
) AS json
FROM memberships
WHERE id = ?1
