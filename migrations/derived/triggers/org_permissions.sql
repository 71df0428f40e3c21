-- org_permissions: bumps the members whose role lists the permission, when what it gives them
-- differs, and those who hold its key without it, when the key is retired or comes back. Then the
-- key is remembered.
CREATE TRIGGER bump_org_permissions_insert AFTER INSERT ON org_permissions
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role IN (
      SELECT listed.role FROM role_permissions AS listed
      WHERE listed.id = NEW.id
        AND iif(
          -- The key that stood in for it was retired.
          EXISTS (SELECT 1 FROM org_permission_keys AS known WHERE known.key = listed.key)
          AND NOT EXISTS (
            SELECT 1 FROM org_permissions AS other
            WHERE other.deleted = 0 AND other.key = listed.key AND other.id <> NEW.id
          ),
          NEW.deleted = 0,
          NEW.deleted = 1 OR listed.key <> NEW.key
        )
    )
    UNION ALL
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = NEW.key
      AND NEW.deleted = 0
      AND EXISTS (SELECT 1 FROM org_permission_keys AS known WHERE known.key = NEW.key)
      AND NOT EXISTS (
        SELECT 1 FROM org_permissions AS other
        WHERE other.deleted = 0 AND other.key = NEW.key AND other.id <> NEW.id
      )
  );
  INSERT INTO org_permission_keys (key)
  SELECT NEW.key WHERE NEW.deleted = 0
  ON CONFLICT (key) DO NOTHING;
END;

CREATE TRIGGER bump_org_permissions_update AFTER UPDATE ON org_permissions
WHEN OLD.id <> NEW.id
  OR OLD.deleted <> NEW.deleted
  OR (NEW.deleted = 0 AND OLD.key <> NEW.key)
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role IN (
      SELECT listed.role FROM role_permissions AS listed WHERE listed.id IN (OLD.id, NEW.id)
    )
    UNION ALL
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = OLD.key
      AND OLD.deleted = 0
      AND EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = OLD.key)
    UNION ALL
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = NEW.key
      AND NEW.deleted = 0
      AND (OLD.deleted = 1 OR OLD.key <> NEW.key)
      AND EXISTS (SELECT 1 FROM org_permission_keys AS known WHERE known.key = NEW.key)
      AND NOT EXISTS (
        SELECT 1 FROM org_permissions AS other
        WHERE other.deleted = 0 AND other.key = NEW.key AND other.id <> NEW.id
      )
  );
  INSERT INTO org_permission_keys (key)
  SELECT NEW.key WHERE NEW.deleted = 0
  ON CONFLICT (key) DO NOTHING;
END;

CREATE TRIGGER bump_org_permissions_delete AFTER DELETE ON org_permissions
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role IN (
      SELECT listed.role FROM role_permissions AS listed
      WHERE listed.id = OLD.id
        AND iif(
          EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = listed.key),
          OLD.deleted = 0,
          OLD.deleted = 1 OR listed.key <> OLD.key
        )
    )
    UNION ALL
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = OLD.key
      AND OLD.deleted = 0
      AND EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = OLD.key)
  );
END;
