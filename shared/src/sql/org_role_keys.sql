INSERT INTO org_role_keys (key)
SELECT j.value
FROM json_each(?1) j
WHERE true
ON CONFLICT (key) DO NOTHING
