-- Returns letters to their parked state, so that they are sent again.
UPDATE dead_letters SET
  state = 'parked',
  state_at = ?2,
  generation = dead_letters.generation + 1,
  returns = dead_letters.returns + 1,
  claim = '',
  sent_at = NULL
FROM json_each(?1) AS input
WHERE dead_letters.message_id = input.value ->> 'message_id'
  AND dead_letters.generation = input.value ->> 'generation'
  AND dead_letters.state = 'replaying'
