-- org_roles: bumps the members who have the role's key. An update of the rank alone matters where
-- another live role has the key. Then the key is remembered.
CREATE TRIGGER bump_org_roles_insert AFTER INSERT ON org_roles
WHEN NEW.deleted = 0
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member WHERE member.role = NEW.key
  );
  INSERT INTO org_role_keys (key) VALUES (NEW.key) ON CONFLICT (key) DO NOTHING;
END;

CREATE TRIGGER bump_org_roles_update AFTER UPDATE ON org_roles
WHEN OLD.deleted <> NEW.deleted
  OR (
    NEW.deleted = 0
    AND (
      OLD.key <> NEW.key
      OR OLD.permissions <> NEW.permissions
      OR (
        (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)
          <> (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest)
        AND EXISTS (
          SELECT 1 FROM org_roles AS rival
          WHERE rival.deleted = 0 AND rival.key = NEW.key AND rival.id <> NEW.id
        )
      )
    )
  )
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.role IN (OLD.key, NEW.key)
  );
  INSERT INTO org_role_keys (key)
  SELECT NEW.key WHERE NEW.deleted = 0
  ON CONFLICT (key) DO NOTHING;
END;

CREATE TRIGGER bump_org_roles_delete AFTER DELETE ON org_roles
WHEN OLD.deleted = 0
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member WHERE member.role = OLD.key
  );
END;
