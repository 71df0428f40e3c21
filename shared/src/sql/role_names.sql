INSERT INTO roles (name)
SELECT DISTINCT j.value
FROM json_each(?1) j
WHERE NOT EXISTS (SELECT 1 FROM roles r WHERE r.name = j.value)
ON CONFLICT (name) DO NOTHING
