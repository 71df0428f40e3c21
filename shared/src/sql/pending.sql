SELECT user_id, owner, version
FROM watches
WHERE version > acked
ORDER BY version
LIMIT ?1
