-- Reads the replay ?1.
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
WHERE id = ?1
