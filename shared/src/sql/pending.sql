-- Reads the outbox: watches whose hint is owed, a page in the order of (version, user_id).
SELECT user_id, owner, version
FROM watches
WHERE version > acked AND (version, user_id) > (?1, ?2)
ORDER BY version, user_id
LIMIT ?3
