-- A dead letter as one JSON text. The files that choose letters go on from here.
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
