-- Marks hints as acknowledged if the watch still has the same owner.
UPDATE watches SET acked = max(watches.acked, input.value ->> 'version')
FROM json_each(?1) AS input
WHERE watches.user_id = input.value ->> 'user_id'
  AND watches.owner = input.value ->> 'owner'
  AND watches.acked < input.value ->> 'version'
