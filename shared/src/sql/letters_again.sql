-- Parks replayed messages on their own letters again. Their bytes stay. A letter that has no row
-- any more gets one: its message is the last copy of it.
INSERT INTO dead_letters AS stored (
  message_id,
  queue,
  svix_id,
  type,
  subject,
  reason,
  detail,
  attempts,
  first_seen_at,
  last_seen_at,
  envelope,
  state_at,
  digest,
  generation
)
SELECT
  input.value ->> 'message_id',
  input.value ->> 'queue',
  input.value ->> 'svix_id',
  input.value ->> 'type',
  input.value ->> 'subject',
  input.value ->> 'reason',
  input.value ->> 'detail',
  input.value ->> 'attempts',
  input.value ->> 'first_seen_at',
  ?2,
  input.value ->> 'envelope',
  ?2,
  input.value ->> 'digest',
  (input.value ->> 'generation') + 1
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (message_id) DO UPDATE SET
  state = 'parked',
  state_at = excluded.state_at,
  generation = excluded.generation,
  claim = '',
  sent_at = NULL,
  queue = excluded.queue,
  svix_id = coalesce(stored.svix_id, excluded.svix_id),
  type = coalesce(stored.type, excluded.type),
  subject = coalesce(stored.subject, excluded.subject),
  reason = excluded.reason,
  detail = excluded.detail,
  attempts = stored.attempts + excluded.attempts,
  last_seen_at = excluded.last_seen_at
WHERE stored.state = 'replaying' AND stored.generation + 1 = excluded.generation
