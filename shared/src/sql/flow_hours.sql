-- Reads the last hours with a commit, the newest first.
SELECT hour, batches, messages, ignored, parked, lag_ms_max, lag_ms_sum, last_at
FROM flow
ORDER BY hour DESC
LIMIT ?1
