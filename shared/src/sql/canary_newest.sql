-- The canary's newest run.
SELECT
  began_at, role, asked_at, updated_at, changed_at, arrived_at, queued_at, taken_at, committed_at,
  seen_at, problem
FROM canary_runs
ORDER BY began_at DESC
LIMIT 1
