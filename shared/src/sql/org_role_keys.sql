-- Stores every key that an organization role has had.
INSERT INTO org_role_keys (key)
SELECT input.value
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (key) DO NOTHING
