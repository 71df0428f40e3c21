-- Marks the first ?2 letters of the replay ?1 that wait as left, at ?3.
UPDATE replay_letters SET became = 'left', became_at = ?3
WHERE replay_id = ?1
  AND position IN (
    SELECT waiting.position
    FROM replay_letters AS waiting INDEXED BY replay_letters_by_became
    WHERE waiting.replay_id = ?1 AND waiting.became = 'waiting'
    ORDER BY waiting.position
    LIMIT ?2
  )
