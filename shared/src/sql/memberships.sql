-- Writes memberships by the merge law: a deleted row stays, else the greater rank wins.
INSERT INTO memberships AS stored (
  id,
  org_id,
  user_id,
  role,
  permissions,
  deleted,
  updated_at,
  event_at,
  projection,
  digest
)
SELECT
  input.value ->> '$.id',
  input.value ->> '$.columns.org_id',
  input.value ->> '$.columns.user_id',
  input.value ->> '$.columns.role',
  input.value ->> '$.columns.permissions',
  input.value ->> '$.rank.deleted',
  input.value ->> '$.rank.updated_at',
  input.value ->> '$.rank.event_at',
  input.value ->> '$.rank.projection',
  input.value ->> '$.rank.digest'
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (id) DO UPDATE SET
  org_id = excluded.org_id,
  user_id = excluded.user_id,
  role = excluded.role,
  permissions = excluded.permissions,
  deleted = excluded.deleted,
  updated_at = excluded.updated_at,
  event_at = excluded.event_at,
  projection = excluded.projection,
  digest = excluded.digest
WHERE stored.deleted = 0
  AND (
    excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest
  ) > (stored.deleted, stored.updated_at, stored.event_at, stored.projection, stored.digest)
