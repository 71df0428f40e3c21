-- One page of the letters of the replay ?1, in the order of the plan, after the position ?2: at
-- most ?3. ?4 is what was planned and ?5 what became of them, both empty for any. Reads at most 500
-- rows: if there may be more, end_position is the last one. Always at least one row.
WITH scanned AS MATERIALIZED (
  SELECT * FROM (
    SELECT position, message_id, planned, became, became_at
    FROM replay_letters INDEXED BY replay_letters_by_became
    WHERE ?5 <> '' AND replay_id = ?1 AND became = ?5 AND position > ?2
    ORDER BY position
    LIMIT 500
  )
  UNION ALL
  SELECT * FROM (
    SELECT position, message_id, planned, became, became_at
    FROM replay_letters
    WHERE ?5 = '' AND replay_id = ?1 AND position > ?2
    ORDER BY position
    LIMIT 500
  )
),

picked AS MATERIALIZED (
  SELECT position, message_id, planned, became, became_at
  FROM scanned
  WHERE ?4 IN ('', planned)
  ORDER BY position
  LIMIT ?3
)

SELECT
  (SELECT position FROM scanned ORDER BY position LIMIT 1 OFFSET 499) AS end_position,
  picked.position,
  iif(
    picked.position IS NULL,
    NULL,
    json_object(
      'id', picked.message_id,
      'type', letter.type,
      'subject', letter.subject,
      'reason', coalesce(letter.reason, ''),
      'planned', picked.planned,
      'became', picked.became,
      'became_at', picked.became_at
    )
  ) AS letter
FROM (SELECT 1)
LEFT JOIN picked ON true
LEFT JOIN dead_letters AS letter ON picked.message_id = letter.message_id
ORDER BY picked.position
