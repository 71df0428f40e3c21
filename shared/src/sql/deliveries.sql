INSERT INTO deliveries AS d
  (svix_id, type, subject, outcome, event_at, attempted_at, received_at, applied_at, body_digest, note)
SELECT j.value ->> '$.svix_id', j.value ->> '$.type', j.value ->> '$.subject',
  coalesce(
    j.value ->> '$.outcome',
    (SELECT iif(t.event_at = j.value ->> '$.row.rank.event_at', 'applied', 'duplicate') FROM synced t
      WHERE t.entity = j.value ->> '$.row.entity' AND t.id = j.value ->> '$.subject'
        AND (t.deleted, t.updated_at, t.projection, t.digest)
          = (j.value ->> '$.row.rank.deleted', j.value ->> '$.row.rank.updated_at',
             j.value ->> '$.row.rank.projection', j.value ->> '$.row.rank.digest')),
    'superseded'
  ),
  j.value ->> '$.event_at', j.value ->> '$.attempted_at', j.value ->> '$.received_at', ?2, j.value ->> '$.body_digest', j.value ->> '$.note'
FROM json_each(?1) j
WHERE true
ON CONFLICT (svix_id) DO UPDATE SET
  outcome = iif(d.outcome IN ('parked', 'ignored'), excluded.outcome, d.outcome),
  copies = d.copies + 1,
  note = excluded.note,
  id_reused = max(d.id_reused, d.body_digest <> excluded.body_digest)
