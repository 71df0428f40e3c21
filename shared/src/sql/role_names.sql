-- Adds missing app roles by name.
INSERT INTO roles (name)
SELECT DISTINCT input.value
FROM json_each(?1) AS input
WHERE NOT EXISTS (SELECT 1 FROM roles WHERE roles.name = input.value)
ON CONFLICT (name) DO NOTHING
