-- Reads one page of the outbox, the watches with a pending hint, ordered by (version, user_id).
SELECT user_id, owner, version
FROM watches
WHERE version > acked AND (version, user_id) > (?1, ?2)
ORDER BY version, user_id
LIMIT ?3
