-- Counts the letters in the states of the JSON list ?1, by state and reason.
SELECT state, reason, sum(letters) AS letters
FROM dead_letter_counts
WHERE state IN (SELECT value FROM json_each(?1)) AND letters > 0
GROUP BY state, reason
ORDER BY state, reason
