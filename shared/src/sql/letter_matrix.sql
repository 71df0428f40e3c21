-- Counts letters by state, reason, type and day, for the states in the JSON list ?1. Days before ?2
-- are counted as ?2.
SELECT state, reason, type, max(day, ?2) AS day, sum(letters) AS letters
FROM dead_letter_counts
WHERE state IN (SELECT chosen.value FROM json_each(?1) AS chosen) AND letters > 0
GROUP BY state, reason, type, max(day, ?2)
ORDER BY state, reason, type, max(day, ?2)
