DELETE FROM watches
WHERE EXISTS (
  SELECT 1 FROM json_each(?1) j
  WHERE watches.user_id = j.value ->> 'user_id' AND watches.owner = j.value ->> 'owner'
) AND user_id IN (SELECT j.value ->> 'user_id' FROM json_each(?1) j)
