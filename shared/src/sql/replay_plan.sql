-- Adds the letters of the JSON list ?2 to the plan of the replay ?1.
INSERT INTO replay_letters (replay_id, position, message_id, generation, planned)
SELECT
  ?1,
  input.value ->> '$.position',
  input.value ->> '$.id',
  input.value ->> '$.generation',
  input.value ->> '$.planned'
FROM json_each(?2) AS input
