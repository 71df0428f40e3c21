UPDATE watches SET acked = max(watches.acked, j.value ->> 'version')
FROM json_each(?1) j
WHERE watches.user_id = j.value ->> 'user_id' AND watches.owner = j.value ->> 'owner'
  AND watches.acked < j.value ->> 'version'
