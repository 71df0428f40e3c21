-- Grants or revokes one app role by its name, later than what was decided on it before. Without an
-- end ?8 is 0.
INSERT INTO role_grants AS stored (user_id, role_id, granted, at, id, actor, reason, ends_at)
SELECT ?1, roles.id, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0)
FROM roles
WHERE roles.name = ?2
ON CONFLICT (user_id, role_id) DO UPDATE SET
  granted = excluded.granted,
  at = max(excluded.at, stored.at + 1),
  id = excluded.id,
  actor = excluded.actor,
  reason = excluded.reason,
  ends_at = excluded.ends_at
