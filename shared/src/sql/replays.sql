-- One page of replays, the newest first, before (?1, ?2): at most ?3.
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
FROM replays INDEXED BY replays_by_age
WHERE (created_at, id) < (?1, ?2)
ORDER BY created_at DESC, id DESC
LIMIT ?3
