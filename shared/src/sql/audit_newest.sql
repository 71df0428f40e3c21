-- Reads entries of the audit trail before number ?1, the newest first, at most ?2.
SELECT seq, prev, hash, at, actor, action, target, detail
FROM audit
WHERE seq < ?1
ORDER BY seq DESC
LIMIT ?2
