INSERT INTO users AS t (id, email, banned, app_roles, created_at, deleted, updated_at, event_at, projection, digest)
SELECT j.value ->> '$.id', j.value ->> '$.columns.email', j.value ->> '$.columns.banned', j.value ->> '$.columns.app_roles', j.value ->> '$.columns.created_at', j.value ->> '$.rank.deleted', j.value ->> '$.rank.updated_at', j.value ->> '$.rank.event_at', j.value ->> '$.rank.projection', j.value ->> '$.rank.digest'
FROM json_each(?1) j
WHERE true
ON CONFLICT (id) DO UPDATE SET
  email = excluded.email, banned = excluded.banned, app_roles = excluded.app_roles, created_at = excluded.created_at, deleted = excluded.deleted, updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest
WHERE t.deleted = 0
  AND (excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
    > (t.deleted, t.updated_at, t.event_at, t.projection, t.digest)
