-- Deletes kept rows. ?1: a JSON list of keys.
DELETE FROM kept WHERE key IN (SELECT value FROM json_each(?1))
