-- Reads the head of the audit trail, if there is one.
SELECT seq, hash FROM audit WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1
