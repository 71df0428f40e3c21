-- Ends the watches that no object owns any more.
DELETE FROM watches
WHERE EXISTS (
    SELECT 1
    FROM json_each(?1) AS input
    WHERE watches.user_id = input.value ->> 'user_id'
      AND watches.owner = input.value ->> 'owner'
  )
  AND user_id IN (SELECT input.value ->> 'user_id' FROM json_each(?1) AS input)
