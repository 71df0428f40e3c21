-- roles: bumps the users who have the name by metadata or by grant. If it is the default role's
-- name, the version of `everyone` rises.
CREATE TRIGGER bump_roles_insert AFTER INSERT ON roles
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT role_grants.user_id FROM role_grants WHERE role_grants.role_id IN (NEW.id)
    UNION ALL
    SELECT user_app_roles.user_id FROM user_app_roles WHERE user_app_roles.role IN (NEW.name)
  );
  INSERT INTO everyone (id, version)
  SELECT 1, (SELECT now_ms FROM rolecall_clock) FROM settings
  WHERE settings.key = 'default_role' AND settings.value IN (NEW.name)
  ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version);
END;

CREATE TRIGGER bump_roles_update AFTER UPDATE ON roles
WHEN OLD.id <> NEW.id OR OLD.name IS NOT NEW.name
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT role_grants.user_id FROM role_grants WHERE role_grants.role_id IN (OLD.id, NEW.id)
    UNION ALL
    SELECT user_app_roles.user_id FROM user_app_roles
    WHERE user_app_roles.role IN (OLD.name, NEW.name)
  );
  INSERT INTO everyone (id, version)
  SELECT 1, (SELECT now_ms FROM rolecall_clock) FROM settings
  WHERE settings.key = 'default_role' AND settings.value IN (OLD.name, NEW.name)
  ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version);
END;

CREATE TRIGGER bump_roles_delete AFTER DELETE ON roles
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT role_grants.user_id FROM role_grants WHERE role_grants.role_id IN (OLD.id)
    UNION ALL
    SELECT user_app_roles.user_id FROM user_app_roles WHERE user_app_roles.role IN (OLD.name)
  );
  INSERT INTO everyone (id, version)
  SELECT 1, (SELECT now_ms FROM rolecall_clock) FROM settings
  WHERE settings.key = 'default_role' AND settings.value IN (OLD.name)
  ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version);
END;
