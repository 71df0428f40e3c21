-- Reads the replay that was made with the idempotency key ?1.
SELECT
  id,
  action,
  state,
  is_open,
  created_at,
  updated_at,
  actor,
  reason,
  filter,
  plan_hash,
  progress,
  step
FROM replays
WHERE idempotency_key = ?1
