-- Whether no replay may begin by itself at ?1: one is open, or one was stopped, or canceled by an
-- operator, within the hour.
SELECT
  EXISTS (
    SELECT 1
    FROM replays INDEXED BY replays_open
    WHERE is_open = 1 AND json_extract(progress, '$.automatic')
  )
  OR EXISTS (
    SELECT 1
    FROM replays INDEXED BY replays_by_age
    WHERE created_at > ?1 - 172800000
      AND state IN ('stopped', 'canceled')
      AND updated_at > ?1 - 3600000
      AND json_extract(progress, '$.automatic')
  ) AS busy
