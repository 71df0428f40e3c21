-- Writes users by the merge law: a deleted row stays, else the greater rank wins.
INSERT INTO users AS stored (
  id,
  email,
  banned,
  app_roles,
  created_at,
  deleted,
  updated_at,
  event_at,
  projection,
  digest
)
SELECT
  input.value ->> '$.id',
  input.value ->> '$.columns.email',
  input.value ->> '$.columns.banned',
  input.value ->> '$.columns.app_roles',
  input.value ->> '$.columns.created_at',
  input.value ->> '$.rank.deleted',
  input.value ->> '$.rank.updated_at',
  input.value ->> '$.rank.event_at',
  input.value ->> '$.rank.projection',
  input.value ->> '$.rank.digest'
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (id) DO UPDATE SET
  email = excluded.email,
  banned = excluded.banned,
  app_roles = excluded.app_roles,
  created_at = excluded.created_at,
  deleted = excluded.deleted,
  updated_at = excluded.updated_at,
  event_at = excluded.event_at,
  projection = excluded.projection,
  digest = excluded.digest
WHERE stored.deleted = 0
  AND (
    excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest
  ) > (stored.deleted, stored.updated_at, stored.event_at, stored.projection, stored.digest)
