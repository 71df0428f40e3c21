-- Remembers the keys of every live state that was heard of a permission.
INSERT INTO org_permission_keys (key)
SELECT input.value
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (key) DO NOTHING
