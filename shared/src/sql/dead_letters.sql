-- Parks queue messages that could not be applied. A repeated message keeps its first time, and
-- changes nothing once its letter is on its way or at its end.
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
  digest
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
  input.value ->> 'digest'
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (message_id) DO UPDATE SET
  queue = excluded.queue,
  reason = excluded.reason,
  detail = excluded.detail,
  attempts = max(stored.attempts, excluded.attempts),
  last_seen_at = excluded.last_seen_at
WHERE stored.state = 'parked'
