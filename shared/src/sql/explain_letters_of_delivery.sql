-- Reads dead letters of one delivery.
WHERE svix_id = ?1
ORDER BY message_id
LIMIT 20
