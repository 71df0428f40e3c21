-- Sets one setting. Writes nothing if it already has this value.
INSERT INTO settings AS stored (key, value)
VALUES (?1, ?2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
WHERE stored.value <> excluded.value
