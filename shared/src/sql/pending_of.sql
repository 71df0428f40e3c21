-- Reads the pending hints of the given users.
SELECT watches.user_id AS user_id, watches.owner AS owner, watches.version AS version
FROM json_each(?1) AS input
CROSS JOIN watches ON watches.user_id = input.value
WHERE watches.version > watches.acked
