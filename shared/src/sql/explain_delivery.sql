-- Reads one delivery.
WHERE svix_id = ?1
