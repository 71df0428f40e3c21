-- Marks the letters of the JSON list ?1 as replaying, for the replay ?2 by the claim ?3, at ?4. One
-- that is not parked at its generation any more is left out.
UPDATE dead_letters SET
  state = 'replaying',
  state_at = ?4,
  replay_id = ?2,
  claim = ?3,
  sent_at = NULL
FROM json_each(?1) AS input
WHERE dead_letters.message_id = input.value ->> '$.id'
  AND dead_letters.generation = input.value ->> '$.generation'
  AND dead_letters.state = 'parked'
