-- The letters of the replay ?1 that wait, in the order of the plan, after the position ?2: at most
-- ?3.
SELECT
  item.position,
  item.message_id AS id,
  item.generation,
  item.planned,
  item.became,
  letter.state,
  letter.generation AS letter_generation,
  letter.digest,
  letter.envelope
FROM replay_letters AS item INDEXED BY replay_letters_by_became
LEFT JOIN dead_letters AS letter ON item.message_id = letter.message_id
WHERE item.replay_id = ?1 AND item.became = 'waiting' AND item.position > ?2
ORDER BY item.position
LIMIT ?3
