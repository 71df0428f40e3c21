-- Writes what a run of the canary has learned: ?1 is the run as JSON. What is written stays.
UPDATE canary_runs
SET
  asked_at = coalesce(asked_at, ?1 ->> 'asked_at'),
  updated_at = coalesce(updated_at, ?1 ->> 'updated_at'),
  changed_at = coalesce(changed_at, ?1 ->> 'changed_at'),
  arrived_at = coalesce(arrived_at, ?1 ->> 'arrived_at'),
  queued_at = coalesce(queued_at, ?1 ->> 'queued_at'),
  taken_at = coalesce(taken_at, ?1 ->> 'taken_at'),
  committed_at = coalesce(committed_at, ?1 ->> 'committed_at'),
  seen_at = coalesce(seen_at, ?1 ->> 'seen_at'),
  problem = coalesce(problem, ?1 ->> 'problem')
WHERE began_at = (?1 ->> 'began_at')
