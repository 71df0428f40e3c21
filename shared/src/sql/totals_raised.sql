-- Raises the exact counters by one batch. ?1 has its messages, each with the label of its type and
-- with its svix-id, or with the id of its letter if its envelope cannot be read. ?2 is the name of
-- the counter of outcomes. A message has the outcome of its delivery if the delivery got it in this
-- batch, ?3, and is a copy otherwise. ?4 has what else is to be raised: metric, labels, number.
-- Runs after the deliveries and before the dead letters.
INSERT INTO totals AS stored (metric, labels, total)
SELECT raised.metric, raised.labels, sum(raised.more)
FROM (
  SELECT
    ?2 AS metric,
    (input.value ->> '$.type') || ',' || coalesce(
      input.value ->> '$.outcome',
      (
        SELECT iif(deliveries.batch = ?3, deliveries.outcome, 'repeated')
        FROM deliveries
        WHERE deliveries.svix_id = input.value ->> '$.svix_id'
      ),
      iif(
        EXISTS (
          SELECT 1
          FROM dead_letters
          WHERE dead_letters.message_id = input.value ->> '$.letter'
        ),
        'repeated',
        'parked'
      )
    ) AS labels,
    1 AS more
  FROM json_each(?1) AS input
  UNION ALL
  SELECT added.value ->> '$[0]', added.value ->> '$[1]', added.value ->> '$[2]'
  FROM json_each(?4) AS added
) AS raised
WHERE true
GROUP BY raised.metric, raised.labels
ON CONFLICT (metric, labels) DO UPDATE SET total = stored.total + excluded.total
