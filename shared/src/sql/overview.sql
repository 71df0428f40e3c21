-- Reads what the console's overview shows, but for the flow and the counts of letters. Each part
-- reads a bounded number of rows of an index.
SELECT
  (SELECT at FROM heartbeats WHERE name = 'sweep') AS last_sweep_at,
  (
    SELECT count(*)
    FROM (SELECT 1 FROM watches WHERE version > acked LIMIT ?1)
  ) AS pending_hints,
  (
    SELECT version
    FROM watches
    WHERE version > acked
    ORDER BY version, user_id
    LIMIT 1
  ) AS oldest_pending_hint,
  (
    SELECT first_seen_at
    FROM dead_letters
    WHERE state = 'parked'
    ORDER BY first_seen_at
    LIMIT 1
  ) AS oldest_parked_at,
  (SELECT count(*) FROM replays WHERE is_open = 1) AS open_replays
