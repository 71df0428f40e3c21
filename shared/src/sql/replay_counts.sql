-- The letters of the replays in the JSON list ?1, counted.
SELECT replay_id, planned, became, letters
FROM replay_counts
WHERE replay_id IN (SELECT input.value FROM json_each(?1) AS input)
ORDER BY replay_id, planned, became
