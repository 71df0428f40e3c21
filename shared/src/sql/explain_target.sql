-- Finds what an id names: a synced thing, a delivery, or neither.
SELECT json_object(
  'entity',
  (SELECT synced.entity FROM synced WHERE synced.id = ?1),
  'delivery',
  EXISTS (SELECT 1 FROM deliveries WHERE deliveries.svix_id = ?1)
    OR EXISTS (SELECT 1 FROM dead_letters WHERE dead_letters.svix_id = ?1)
) AS json
