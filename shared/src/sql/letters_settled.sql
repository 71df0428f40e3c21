-- Gives replayed letters their outcome. Runs after the rows were written and before the deliveries
-- are recorded: a delivery that had been taken in before makes its letter a duplicate. Else the
-- rule is that of deliveries.sql.
UPDATE dead_letters SET state = settled.state, state_at = ?2
FROM (
  SELECT
    input.value ->> '$.letter' AS letter,
    iif(
      EXISTS (
        SELECT 1
        FROM deliveries
        WHERE deliveries.svix_id = input.value ->> '$.svix_id'
          AND deliveries.outcome IN ('applied', 'superseded', 'duplicate')
      ),
      'duplicate',
      coalesce(
        input.value ->> '$.outcome',
        (
          SELECT
            iif(synced.event_at = input.value ->> '$.row.rank.event_at', 'applied', 'duplicate')
          FROM synced
          WHERE synced.entity = input.value ->> '$.row.entity'
            AND synced.id = input.value ->> '$.subject'
            AND (synced.deleted, synced.updated_at, synced.projection, synced.digest) = (
              input.value ->> '$.row.rank.deleted',
              input.value ->> '$.row.rank.updated_at',
              input.value ->> '$.row.rank.projection',
              input.value ->> '$.row.rank.digest'
            )
        ),
        'superseded'
      )
    ) AS state
  FROM json_each(?1) AS input
) AS settled
WHERE dead_letters.message_id = settled.letter AND dead_letters.state IN ('parked', 'replaying')
