INSERT INTO organizations AS t (id, name, slug, deleted, updated_at, event_at, projection, digest)
SELECT j.value ->> '$.id', j.value ->> '$.columns.name', j.value ->> '$.columns.slug', j.value ->> '$.rank.deleted', j.value ->> '$.rank.updated_at', j.value ->> '$.rank.event_at', j.value ->> '$.rank.projection', j.value ->> '$.rank.digest'
FROM json_each(?1) j
WHERE true
ON CONFLICT (id) DO UPDATE SET
  name = excluded.name, slug = excluded.slug, deleted = excluded.deleted, updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest
WHERE t.deleted = 0
  AND (excluded.deleted, excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
    > (t.deleted, t.updated_at, t.event_at, t.projection, t.digest)
