-- users: bumps the user when it begins or ceases to live, is banned or is let in again, and when
-- the metadata's roles change while the user is not banned. A new e-mail address bumps nobody.
CREATE TRIGGER bump_users_insert AFTER INSERT ON users
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id = NEW.id;
END;

CREATE TRIGGER bump_users_update AFTER UPDATE ON users
WHEN OLD.id <> NEW.id
  OR OLD.deleted <> NEW.deleted
  OR (
    NEW.deleted = 0
    AND (
      OLD.banned <> NEW.banned
      OR (NEW.banned = 0 AND OLD.app_roles <> NEW.app_roles)
    )
  )
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (OLD.id, NEW.id);
END;

CREATE TRIGGER bump_users_delete AFTER DELETE ON users
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id = OLD.id;
END;

-- Keep user_app_roles: the app roles that the metadata of a live user gives.
CREATE TRIGGER list_users_insert AFTER INSERT ON users
BEGIN
  INSERT INTO user_app_roles (role, user_id)
  SELECT DISTINCT entry.value, NEW.id
  FROM json_each(NEW.app_roles) AS entry
  WHERE NEW.deleted = 0 AND entry.type = 'text'
  ON CONFLICT (role, user_id) DO NOTHING;
END;

CREATE TRIGGER list_users_update AFTER UPDATE ON users
WHEN OLD.id <> NEW.id OR OLD.deleted <> NEW.deleted OR OLD.app_roles <> NEW.app_roles
BEGIN
  DELETE FROM user_app_roles
  WHERE user_id = OLD.id
    AND role IN (SELECT entry.value FROM json_each(OLD.app_roles) AS entry);
  INSERT INTO user_app_roles (role, user_id)
  SELECT DISTINCT entry.value, NEW.id
  FROM json_each(NEW.app_roles) AS entry
  WHERE NEW.deleted = 0 AND entry.type = 'text'
  ON CONFLICT (role, user_id) DO NOTHING;
END;

CREATE TRIGGER list_users_delete AFTER DELETE ON users
BEGIN
  DELETE FROM user_app_roles
  WHERE user_id = OLD.id
    AND role IN (SELECT entry.value FROM json_each(OLD.app_roles) AS entry);
END;
