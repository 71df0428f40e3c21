-- Reads the row of one permission.
SELECT json_object(
  'id',
  id,
  'key',
  key,
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
FROM org_permissions
WHERE id = ?1
