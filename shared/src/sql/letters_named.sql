-- Reads the state of the letters of the given ids.
SELECT
  dead_letters.message_id AS message_id,
  dead_letters.state AS state,
  dead_letters.generation AS generation
FROM json_each(?1) AS input
CROSS JOIN dead_letters ON dead_letters.message_id = input.value
