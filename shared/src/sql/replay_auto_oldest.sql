-- The oldest letter of the reason ?1, among the newest 500, that was parked once and that no replay
-- sent. One that was left because it cannot be sent would only be left again.
SELECT min(letter.first_seen_at) AS first_seen_at
FROM (
  SELECT message_id, first_seen_at, generation, replay_id
  FROM dead_letters INDEXED BY dead_letters_by_reason
  WHERE state = 'parked' AND reason = ?1
  ORDER BY first_seen_at DESC
  LIMIT 500
) AS letter
WHERE letter.generation = 0
  AND letter.replay_id IS NULL
  AND NOT EXISTS (
    SELECT 1
    FROM replay_letters AS item INDEXED BY replay_letters_by_letter
    WHERE item.message_id = letter.message_id
      AND item.became = 'left'
      AND item.planned IN ('unreadable', 'newer')
  )
