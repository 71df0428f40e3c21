-- Grants or revokes one app role. The greatest (at, id) wins.
INSERT INTO role_grants AS stored (user_id, role_id, granted, at, id, actor, reason)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (user_id, role_id) DO UPDATE SET
  granted = excluded.granted,
  at = excluded.at,
  id = excluded.id,
  actor = excluded.actor,
  reason = excluded.reason
WHERE (excluded.at, excluded.id) > (stored.at, stored.id)
