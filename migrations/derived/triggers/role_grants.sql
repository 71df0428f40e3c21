-- role_grants: bumps the user of a new or another word, but not for its time, actor or reason.
CREATE TRIGGER bump_role_grants_insert AFTER INSERT ON role_grants
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id = NEW.user_id;
END;

CREATE TRIGGER bump_role_grants_update AFTER UPDATE ON role_grants
WHEN OLD.user_id <> NEW.user_id OR OLD.role_id <> NEW.role_id OR OLD.granted <> NEW.granted
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (OLD.user_id, NEW.user_id);
END;

CREATE TRIGGER bump_role_grants_delete AFTER DELETE ON role_grants
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id = OLD.user_id;
END;
