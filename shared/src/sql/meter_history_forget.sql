-- Deletes what is older than ?1.
DELETE FROM history WHERE at < ?1
