-- The oldest letter of the reason ?1, among the newest 500, that was parked once and was in no
-- replay.
SELECT min(first_seen_at) AS first_seen_at
FROM (
  SELECT first_seen_at, generation, replay_id
  FROM dead_letters INDEXED BY dead_letters_by_reason
  WHERE state = 'parked' AND reason = ?1
  ORDER BY first_seen_at DESC
  LIMIT 500
)
WHERE generation = 0 AND replay_id IS NULL
