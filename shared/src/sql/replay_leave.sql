-- Marks the positions in the JSON list ?2 of the replay ?1 as left, at ?3.
UPDATE replay_letters SET became = 'left', became_at = ?3
WHERE replay_id = ?1
  AND became = 'waiting'
  AND position IN (SELECT input.value FROM json_each(?2) AS input)
