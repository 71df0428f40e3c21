-- The letters of the replay ?1 at the positions in the JSON list ?2.
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
FROM replay_letters AS item
LEFT JOIN dead_letters AS letter ON item.message_id = letter.message_id
WHERE item.replay_id = ?1
  AND item.position IN (SELECT input.value FROM json_each(?2) AS input)
ORDER BY item.position
