-- Reads the synced rows of the JSON list ?1, of kinds and ids.
SELECT
  synced.entity,
  synced.id,
  synced.deleted,
  synced.updated_at,
  synced.event_at,
  synced.projection,
  synced.digest
FROM json_each(?1) AS input
CROSS JOIN synced ON synced.entity = input.value ->> 0 AND synced.id = input.value ->> 1
