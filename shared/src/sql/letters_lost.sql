-- Reads letters whose message is taken for lost: marked before ?1 and not sent, or sent before ?2.
SELECT message_id, generation, replay_id
FROM dead_letters
WHERE state = 'replaying' AND ((sent_at IS NULL AND state_at < ?1) OR sent_at < ?2)
LIMIT ?3
