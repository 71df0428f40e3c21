-- The letters of the replay ?1 at the positions in the JSON list ?2, for its report.
SELECT
  item.message_id AS id,
  letter.type,
  letter.subject,
  coalesce(letter.reason, '') AS reason,
  item.planned,
  item.became,
  item.became_at
FROM replay_letters AS item
LEFT JOIN dead_letters AS letter ON item.message_id = letter.message_id
WHERE item.replay_id = ?1
  AND item.position IN (SELECT input.value FROM json_each(?2) AS input)
ORDER BY item.position
