-- Writes kept rows. ?1: a JSON list of {key, value}. One statement: all or nothing.
INSERT INTO kept (key, value)
SELECT row.value ->> 'key', row.value ->> 'value' FROM json_each(?1) AS row
WHERE true
ON CONFLICT (key) DO UPDATE SET value = excluded.value
