-- Reads the row of one user.
SELECT json_object(
  'id',
  id,
  'email',
  email,
  'banned',
  banned,
  'app_roles',
  json(app_roles),
  'created_at',
  created_at,
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
FROM users
WHERE id = ?1
