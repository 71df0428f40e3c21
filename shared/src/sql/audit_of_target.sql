-- Reads entries of the audit trail about ?1 before number ?2, the newest first, at most ?3.
SELECT seq, prev, hash, at, actor, action, target, detail
FROM audit
WHERE target = ?1 AND seq < ?2
ORDER BY seq DESC
LIMIT ?3
