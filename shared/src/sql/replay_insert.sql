-- Adds the replay in the JSON object ?1. Fails if its idempotency key was used.
INSERT INTO replays (
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
  step,
  idempotency_key
)
VALUES (
  ?1 ->> '$.id',
  ?1 ->> '$.action',
  ?1 ->> '$.state',
  ?1 ->> '$.is_open',
  ?1 ->> '$.created_at',
  ?1 ->> '$.updated_at',
  ?1 ->> '$.actor',
  ?1 ->> '$.reason',
  ?1 -> '$.filter',
  ?1 ->> '$.plan_hash',
  ?1 -> '$.progress',
  ?1 ->> '$.step',
  ?1 ->> '$.key'
)
