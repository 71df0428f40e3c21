-- Discards the letters of the JSON list ?1, for the replay ?2, at ?3. One that is not parked at its
-- generation any more is left out.
UPDATE dead_letters SET state = 'discarded', state_at = ?3, replay_id = ?2
FROM json_each(?1) AS input
WHERE dead_letters.message_id = input.value ->> '$.id'
  AND dead_letters.generation = input.value ->> '$.generation'
  AND dead_letters.state = 'parked'
