-- Of the canary's runs: the oldest one, the last one that was seen, the first one after it, and the
-- newest one. The last one that was seen is found from the end.
SELECT
  run.began_at, run.role, run.asked_at, run.updated_at, run.changed_at, run.arrived_at,
  run.queued_at, run.taken_at, run.committed_at, run.seen_at, run.problem
FROM
  (SELECT coalesce(max(began_at), 0) AS began_at FROM canary_runs WHERE seen_at IS NOT NULL) AS seen
CROSS JOIN canary_runs AS run ON run.began_at IN (
  (SELECT min(began_at) FROM canary_runs),
  seen.began_at,
  (SELECT min(began_at) FROM canary_runs WHERE began_at > seen.began_at),
  (SELECT max(began_at) FROM canary_runs)
)
ORDER BY run.began_at
