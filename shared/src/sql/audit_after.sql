-- Reads entries of the audit trail after number ?1 in the order of the chain, at most ?2.
SELECT seq, prev, hash, at, actor, action, target, detail
FROM audit
WHERE seq > ?1
ORDER BY seq
LIMIT ?2
