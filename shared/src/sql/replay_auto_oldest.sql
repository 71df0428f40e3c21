-- The oldest letter of the reason ?1, among the newest 500, that was parked once and was in no
-- replay. A replay that began by itself may have left it, because it cannot be sent or because an
-- operator canceled the replay: then the next one would do no more.
SELECT min(picked.first_seen_at) AS first_seen_at
FROM (
  SELECT message_id, first_seen_at, generation, replay_id
  FROM dead_letters INDEXED BY dead_letters_by_reason
  WHERE state = 'parked' AND reason = ?1
  ORDER BY first_seen_at DESC
  LIMIT 500
) AS picked
WHERE picked.generation = 0
  AND picked.replay_id IS NULL
  AND NOT EXISTS (
    SELECT 1
    FROM replay_letters AS item INDEXED BY replay_letters_by_letter
    INNER JOIN replays ON item.replay_id = replays.id
    WHERE item.message_id = picked.message_id
      AND item.became = 'left'
      AND replays.state IN ('done', 'canceled')
      AND json_extract(replays.progress, '$.automatic')
  )
