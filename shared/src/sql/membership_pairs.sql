-- Raises the greatest rank seen for the live memberships of an organization and a user.
INSERT INTO membership_pairs AS stored (
  org_id,
  user_id,
  updated_at,
  event_at,
  projection,
  digest
)
SELECT
  input.value ->> 'org_id',
  input.value ->> 'user_id',
  input.value ->> 'updated_at',
  input.value ->> 'event_at',
  input.value ->> 'projection',
  input.value ->> 'digest'
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (org_id, user_id) DO UPDATE SET
  updated_at = excluded.updated_at,
  event_at = excluded.event_at,
  projection = excluded.projection,
  digest = excluded.digest
WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
  > (stored.updated_at, stored.event_at, stored.projection, stored.digest)
