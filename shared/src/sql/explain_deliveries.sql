-- Reads the last deliveries about one id, the newest first.
WHERE subject = ?1
ORDER BY applied_at DESC, svix_id DESC
LIMIT 20
