-- Remembers the keys of every live state that was heard of an organization role.
INSERT INTO org_role_keys (key)
SELECT input.value
FROM json_each(?1) AS input
WHERE true
ON CONFLICT (key) DO NOTHING
