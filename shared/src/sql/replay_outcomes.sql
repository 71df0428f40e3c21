-- Reads the outcomes of the deliveries in the JSON list ?1.
SELECT svix_id, outcome
FROM deliveries
WHERE svix_id IN (SELECT input.value FROM json_each(?1) AS input)
