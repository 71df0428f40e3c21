-- org_role_keys: bumps the members whose role no live role has: a known key ends their own lists.
CREATE TRIGGER bump_org_role_keys_insert AFTER INSERT ON org_role_keys
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role = NEW.key
      AND NOT EXISTS (
        SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = NEW.key
      )
  );
END;

CREATE TRIGGER bump_org_role_keys_update AFTER UPDATE ON org_role_keys
WHEN OLD.key <> NEW.key
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role IN (OLD.key, NEW.key)
      AND NOT EXISTS (
        SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = member.role
      )
  );
END;

CREATE TRIGGER bump_org_role_keys_delete AFTER DELETE ON org_role_keys
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role = OLD.key
      AND NOT EXISTS (
        SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = OLD.key
      )
  );
END;
