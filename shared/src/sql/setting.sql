INSERT INTO settings AS s (key, value)
VALUES (?1, ?2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
WHERE s.value <> excluded.value
