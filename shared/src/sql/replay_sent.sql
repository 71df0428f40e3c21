-- Records that the messages of the claim ?1 are in the queue, at ?2.
UPDATE dead_letters SET sent_at = ?2
WHERE claim = ?1 AND claim <> '' AND state = 'replaying' AND sent_at IS NULL
