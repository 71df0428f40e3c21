SELECT w.user_id AS user_id, w.owner AS owner, w.version AS version
FROM json_each(?1) j
CROSS JOIN watches w ON w.user_id = j.value
WHERE w.version > w.acked
