-- Writes the step in the JSON object ?1. Another driver may have done it since the replay was read:
-- then the number is NULL, which the table refuses, and the whole batch is undone.
UPDATE replays SET
  state = ?1 ->> '$.state',
  is_open = ?1 ->> '$.is_open',
  updated_at = ?1 ->> '$.updated_at',
  plan_hash = ?1 ->> '$.plan_hash',
  progress = ?1 -> '$.progress',
  step = iif(step = ?1 ->> '$.step', step + 1, NULL)
WHERE id = ?1 ->> '$.id'
