INSERT INTO memberships AS t (id, org_id, user_id, role, permissions, deleted, updated_at, event_at, projection, digest)
SELECT j.value ->> '$.id', j.value ->> '$.columns.org_id', j.value ->> '$.columns.user_id', j.value ->> '$.columns.role', j.value ->> '$.columns.permissions', j.value ->> '$.rank.deleted', j.value ->> '$.rank.updated_at', j.value ->> '$.rank.event_at', j.value ->> '$.rank.projection', j.value ->> '$.rank.digest'
FROM json_each(?1) j
WHERE true
ON CONFLICT (id) DO UPDATE SET
  org_id = excluded.org_id, user_id = excluded.user_id, role = excluded.role, permissions = excluded.permissions, deleted = excluded.deleted, updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest
WHERE t.deleted = 0
  AND (excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
    > (t.deleted, t.updated_at, t.event_at, t.projection, t.digest)
