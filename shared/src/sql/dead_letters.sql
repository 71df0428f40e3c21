INSERT INTO dead_letters AS d
  (message_id, queue, svix_id, type, subject, reason, detail, attempts, first_seen_at, last_seen_at, envelope)
SELECT j.value ->> 'message_id', j.value ->> 'queue', j.value ->> 'svix_id', j.value ->> 'type', j.value ->> 'subject',
  j.value ->> 'reason', j.value ->> 'detail', j.value ->> 'attempts', j.value ->> 'first_seen_at', ?2, j.value ->> 'envelope'
FROM json_each(?1) j
WHERE true
ON CONFLICT (message_id) DO UPDATE SET
  queue = excluded.queue, reason = excluded.reason, detail = excluded.detail,
  attempts = max(d.attempts, excluded.attempts), last_seen_at = excluded.last_seen_at
