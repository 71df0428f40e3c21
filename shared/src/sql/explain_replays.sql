-- Reads the replays of one delivery's dead letters: what was planned, and what became of each.
SELECT json_object(
  'letter',
  item.message_id,
  'replay',
  replay.id,
  'action',
  replay.action,
  'state',
  replay.state,
  'created_at',
  replay.created_at,
  'actor',
  replay.actor,
  'reason',
  replay.reason,
  'planned',
  item.planned,
  'became',
  item.became,
  'became_at',
  item.became_at
) AS json
FROM (
  SELECT message_id FROM dead_letters WHERE svix_id = ?1 ORDER BY message_id LIMIT 20
) AS letter
CROSS JOIN replay_letters AS item ON item.message_id = letter.message_id
CROSS JOIN replays AS replay ON replay.id = item.replay_id
LIMIT 100
