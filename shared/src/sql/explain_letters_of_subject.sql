-- Reads the last dead letters about one id, the newest first.
SELECT json_object(
  'letter',
  json_object(
    'id',
    message_id,
    'state',
    state,
    'reason',
    reason,
    'detail',
    detail,
    'type',
    type,
    'subject',
    subject,
    'svix_id',
    svix_id,
    'attempts',
    attempts,
    'generation',
    generation,
    'first_seen_at',
    first_seen_at,
    'last_seen_at',
    last_seen_at,
    'replay_id',
    replay_id
  ),
  'state_at',
  state_at,
  'returns',
  returns
) AS json
FROM dead_letters
WHERE subject = ?1
ORDER BY first_seen_at DESC, message_id DESC
LIMIT 20
