-- Records the outcome of deliveries. If the input has none, the stored row decides: applied if it
-- has this state and event time, duplicate if another event wrote this state, else superseded. Time
-- and batch are those of the outcome.
INSERT INTO deliveries AS stored (
  svix_id,
  type,
  subject,
  outcome,
  event_at,
  attempted_at,
  received_at,
  applied_at,
  body_digest,
  note,
  batch
)
SELECT
  input.value ->> '$.svix_id',
  input.value ->> '$.type',
  input.value ->> '$.subject',
  coalesce(
    input.value ->> '$.outcome',
    (
      SELECT iif(synced.event_at = input.value ->> '$.row.rank.event_at', 'applied', 'duplicate')
      FROM synced
      WHERE synced.entity = input.value ->> '$.row.entity'
        AND synced.id = input.value ->> '$.subject'
        AND (synced.deleted, synced.updated_at, synced.projection, synced.digest) = (
          input.value ->> '$.row.rank.deleted',
          input.value ->> '$.row.rank.updated_at',
          input.value ->> '$.row.rank.projection',
          input.value ->> '$.row.rank.digest'
        )
    ),
    'superseded'
  ),
  input.value ->> '$.event_at',
  input.value ->> '$.attempted_at',
  input.value ->> '$.received_at',
  ?2,
  input.value ->> '$.body_digest',
  input.value ->> '$.note',
  ?3
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (svix_id) DO UPDATE SET
  outcome = iif(stored.outcome IN ('parked', 'ignored'), excluded.outcome, stored.outcome),
  applied_at = iif(
    stored.outcome IN ('parked', 'ignored') AND stored.outcome <> excluded.outcome,
    excluded.applied_at,
    stored.applied_at
  ),
  batch = iif(
    stored.outcome IN ('parked', 'ignored') AND stored.outcome <> excluded.outcome,
    excluded.batch,
    stored.batch
  ),
  copies = stored.copies + 1,
  note = excluded.note,
  id_reused = max(stored.id_reused, stored.body_digest <> excluded.body_digest)
