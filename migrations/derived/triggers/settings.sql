-- settings: a new default role concerns every user, so the version of `everyone` rises, and no
-- watch is bumped here. The row is made again where somebody has deleted it.
CREATE TRIGGER bump_settings_insert AFTER INSERT ON settings
WHEN NEW.key = 'default_role'
BEGIN
  INSERT INTO everyone (id, version) VALUES (1, (SELECT now_ms FROM rolecall_clock))
  ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version);
END;

CREATE TRIGGER bump_settings_update AFTER UPDATE ON settings
WHEN 'default_role' IN (OLD.key, NEW.key) AND (OLD.key <> NEW.key OR OLD.value <> NEW.value)
BEGIN
  INSERT INTO everyone (id, version) VALUES (1, (SELECT now_ms FROM rolecall_clock))
  ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version);
END;

CREATE TRIGGER bump_settings_delete AFTER DELETE ON settings
WHEN OLD.key = 'default_role'
BEGIN
  INSERT INTO everyone (id, version) VALUES (1, (SELECT now_ms FROM rolecall_clock))
  ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version);
END;
