-- Writes organization roles by the merge law: a deleted row stays, else the greater rank wins.
INSERT INTO org_roles AS stored (
  id,
  key,
  permissions,
  deleted,
  updated_at,
  event_at,
  projection,
  digest
)
SELECT
  input.value ->> '$.id',
  input.value ->> '$.columns.key',
  input.value ->> '$.columns.permissions',
  input.value ->> '$.rank.deleted',
  input.value ->> '$.rank.updated_at',
  input.value ->> '$.rank.event_at',
  input.value ->> '$.rank.projection',
  input.value ->> '$.rank.digest'
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (id) DO UPDATE SET
  key = excluded.key,
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
