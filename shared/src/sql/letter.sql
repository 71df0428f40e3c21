-- Reads the letter ?1, with its bytes.
SELECT
  message_id AS id,
  state,
  reason,
  detail,
  type,
  subject,
  svix_id,
  attempts,
  generation,
  first_seen_at,
  last_seen_at,
  replay_id,
  queue,
  digest,
  envelope
FROM dead_letters
WHERE message_id = ?1
