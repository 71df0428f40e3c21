-- Adds one batch to its hour: ?1 hour, ?2 messages, ?3 ignored, ?4 parked, ?5 lag, ?6 the time.
INSERT INTO flow AS stored (
  hour, batches, messages, ignored, parked, lag_ms_max, lag_ms_sum, last_at
)
VALUES (?1, 1, ?2, ?3, ?4, ?5, ?5, ?6)
ON CONFLICT (hour) DO UPDATE SET
  batches = stored.batches + 1,
  messages = stored.messages + excluded.messages,
  ignored = stored.ignored + excluded.ignored,
  parked = stored.parked + excluded.parked,
  lag_ms_max = max(stored.lag_ms_max, excluded.lag_ms_max),
  lag_ms_sum = stored.lag_ms_sum + excluded.lag_ms_sum,
  last_at = max(stored.last_at, excluded.last_at)
