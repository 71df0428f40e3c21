-- Reads the last dead letters about one id, the newest first.
WHERE subject = ?1
ORDER BY first_seen_at DESC, message_id DESC
LIMIT 20
