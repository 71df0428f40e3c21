-- Stores every key that a permission has had.
INSERT INTO org_permission_keys (key)
SELECT input.value
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (key) DO NOTHING
