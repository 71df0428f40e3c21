INSERT INTO org_permission_keys (key)
SELECT j.value
FROM json_each(?1) j
WHERE true
ON CONFLICT (key) DO NOTHING
