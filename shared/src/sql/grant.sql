-- Grants or revokes one app role, until its end if it has one. The greatest (at, id) wins.
INSERT INTO role_grants AS stored (user_id, role_id, granted, at, id, actor, reason, ends_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0))
ON CONFLICT (user_id, role_id) DO UPDATE SET
  granted = excluded.granted,
  at = excluded.at,
  id = excluded.id,
  actor = excluded.actor,
  reason = excluded.reason,
  ends_at = excluded.ends_at
WHERE (excluded.at, excluded.id) > (stored.at, stored.id)
