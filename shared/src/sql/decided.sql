-- Reads what a batch, ?2, decides: the outcome of those deliveries of ?1 that got it in this batch.
-- ?3 has the letters of messages that cannot be opened: those that are there already are copies.
-- Runs after the deliveries and before the dead letters.
SELECT deliveries.svix_id AS id, deliveries.outcome
FROM json_each(?1) AS input
INNER JOIN deliveries ON deliveries.svix_id = input.value
WHERE deliveries.batch = ?2
UNION ALL
SELECT dead_letters.message_id, 'repeated'
FROM json_each(?3) AS input
INNER JOIN dead_letters ON dead_letters.message_id = input.value
