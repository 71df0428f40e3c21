-- Reads the row of one organization.
SELECT json_object(
  'id',
  id,
  'name',
  name,
  'slug',
  slug,
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
FROM organizations
WHERE id = ?1
