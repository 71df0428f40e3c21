-- Reads the canary's last run that a guard has seen and the one after it, or the two oldest if none
-- was seen. since is the oldest run that is remembered.
SELECT
  began_at,
  updated_at,
  changed_at,
  arrived_at,
  queued_at,
  taken_at,
  committed_at,
  seen_at,
  problem,
  (SELECT min(oldest.began_at) FROM canary_runs AS oldest) AS since
FROM canary_runs
WHERE began_at >= coalesce(
    (
      SELECT finished.began_at
      FROM canary_runs AS finished
      WHERE finished.seen_at IS NOT NULL
      ORDER BY finished.began_at DESC
      LIMIT 1
    ),
    0
  )
ORDER BY began_at
LIMIT 2
