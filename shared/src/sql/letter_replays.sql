-- The replays of the letter ?1, the newest first: the id of a replay begins with its time.
SELECT replay_id, planned, became, became_at
FROM replay_letters
WHERE message_id = ?1
ORDER BY replay_id DESC
LIMIT 20
