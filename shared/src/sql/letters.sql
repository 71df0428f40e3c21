-- One page of letters, oldest first, after the cursor (?1, ?2) and before the time ?3. ?4 is the
-- filter as JSON, ?5 the arm that has the fitting index, ?6 the greatest number of letters, ?7
-- whether to read the bytes. Reads at most 500 rows, then filters them: if there may be more,
-- (end_at, end_id) is the last one that was read. Always at least one row.
WITH by_index AS (
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters
    WHERE ?5 = 'ids'
      AND message_id IN (SELECT id.value FROM json_each(?4, '$.ids') AS id)
      AND first_seen_at < ?3
      AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
  UNION ALL
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters INDEXED BY dead_letters_by_subject
    WHERE ?5 = 'subject'
      AND subject = ?4 ->> '$.subject'
      AND first_seen_at < ?3
      AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
  UNION ALL
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters INDEXED BY dead_letters_by_age
    WHERE ?5 = 'age' AND first_seen_at < ?3 AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
),

by_state AS (
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters INDEXED BY dead_letters_by_cell
    WHERE ?5 = 'cell'
      AND state = ?4 ->> '$.state'
      AND reason = ?4 ->> '$.reason'
      AND type = ?4 ->> '$.type'
      AND first_seen_at < ?3
      AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
  UNION ALL
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters INDEXED BY dead_letters_by_reason
    WHERE ?5 = 'reason'
      AND state = ?4 ->> '$.state'
      AND reason = ?4 ->> '$.reason'
      AND first_seen_at < ?3
      AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
  UNION ALL
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters INDEXED BY dead_letters_by_type
    WHERE ?5 = 'type'
      AND state = ?4 ->> '$.state'
      AND type = ?4 ->> '$.type'
      AND first_seen_at < ?3
      AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
  UNION ALL
  SELECT * FROM (
    SELECT message_id, first_seen_at, last_seen_at, state, reason, type, subject
    FROM dead_letters INDEXED BY dead_letters_by_state
    WHERE ?5 = 'state'
      AND state = ?4 ->> '$.state'
      AND first_seen_at < ?3
      AND (first_seen_at, message_id) > (?1, ?2)
    ORDER BY first_seen_at, message_id
    LIMIT 500
  )
),

scanned AS MATERIALIZED (
  SELECT * FROM by_index
  UNION ALL
  SELECT * FROM by_state
),

picked AS MATERIALIZED (
  SELECT message_id
  FROM scanned
  WHERE coalesce(state = ?4 ->> '$.state', true)
    AND coalesce(reason = ?4 ->> '$.reason', true)
    AND coalesce(coalesce(type, '') = ?4 ->> '$.type', true)
    AND coalesce(coalesce(subject, '') = ?4 ->> '$.subject', true)
    AND coalesce(last_seen_at <= ?4 ->> '$.seen_until', true)
  ORDER BY first_seen_at, message_id
  LIMIT ?6
),

scan_end AS (
  SELECT first_seen_at, message_id
  FROM scanned
  ORDER BY first_seen_at, message_id
  LIMIT 1 OFFSET 499
)

SELECT
  (SELECT first_seen_at FROM scan_end) AS end_at,
  (SELECT message_id FROM scan_end) AS end_id,
  iif(
    letter.message_id IS NULL,
    NULL,
    json_object(
      'id', letter.message_id,
      'state', letter.state,
      'reason', letter.reason,
      'detail', letter.detail,
      'type', letter.type,
      'subject', letter.subject,
      'svix_id', letter.svix_id,
      'attempts', letter.attempts,
      'generation', letter.generation,
      'first_seen_at', letter.first_seen_at,
      'last_seen_at', letter.last_seen_at,
      'replay_id', letter.replay_id,
      'queue', letter.queue,
      'digest', letter.digest,
      'envelope', iif(?7, letter.envelope, '')
    )
  ) AS letter
FROM (SELECT 1)
LEFT JOIN picked ON true
LEFT JOIN dead_letters AS letter ON picked.message_id = letter.message_id
ORDER BY letter.first_seen_at, letter.message_id
