-- The letters that the claim ?1 marked.
SELECT message_id AS id, generation FROM dead_letters WHERE claim = ?1 AND claim <> ''
