-- org_permission_keys: bumps those who hold the key, when no live permission has it.
CREATE TRIGGER bump_org_permission_keys_insert AFTER INSERT ON org_permission_keys
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = NEW.key
      AND NOT EXISTS (
        SELECT 1 FROM org_permissions AS permission
        WHERE permission.deleted = 0 AND permission.key = NEW.key
      )
  );
END;

CREATE TRIGGER bump_org_permission_keys_update AFTER UPDATE ON org_permission_keys
WHEN OLD.key <> NEW.key
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = OLD.key
      AND NOT EXISTS (
        SELECT 1 FROM org_permissions AS permission
        WHERE permission.deleted = 0 AND permission.key = OLD.key
      )
    UNION ALL
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = NEW.key
      AND NOT EXISTS (
        SELECT 1 FROM org_permissions AS permission
        WHERE permission.deleted = 0 AND permission.key = NEW.key
      )
  );
END;

CREATE TRIGGER bump_org_permission_keys_delete AFTER DELETE ON org_permission_keys
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT holder.user_id FROM permission_holders AS holder
    WHERE holder.key = OLD.key
      AND NOT EXISTS (
        SELECT 1 FROM org_permissions AS permission
        WHERE permission.deleted = 0 AND permission.key = OLD.key
      )
  );
END;
