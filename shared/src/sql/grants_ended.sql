-- Removes grants and revocations whose end has come, unless another one has replaced them.
DELETE FROM role_grants
WHERE ends_at <= ?2
  AND (user_id, role_id, id) IN (
    SELECT input.value ->> 'user_id', input.value ->> 'role_id', input.value ->> 'id'
    FROM json_each(?1) AS input
  )
