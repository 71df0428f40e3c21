INSERT INTO membership_pairs AS p (org_id, user_id, updated_at, event_at, projection, digest)
SELECT j.value ->> 'org_id', j.value ->> 'user_id', j.value ->> 'updated_at', j.value ->> 'event_at', j.value ->> 'projection', j.value ->> 'digest'
FROM json_each(?1) j
WHERE true
ON CONFLICT (org_id, user_id) DO UPDATE SET
  updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest
WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
  > (p.updated_at, p.event_at, p.projection, p.digest)
