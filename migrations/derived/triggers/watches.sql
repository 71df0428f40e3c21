-- watches: keeps the mark of a watch that is deleted at or ahead of the clock. See watch_marks.
CREATE TRIGGER mark_watches_delete AFTER DELETE ON watches
WHEN (SELECT now_ms FROM rolecall_clock) <= OLD.version
BEGIN
  INSERT INTO watch_marks (user_id, version) VALUES (OLD.user_id, OLD.version)
  ON CONFLICT (user_id) DO UPDATE SET version = max(version, excluded.version);
END;

CREATE TRIGGER mark_watches_insert AFTER INSERT ON watches
BEGIN
  DELETE FROM watch_marks WHERE user_id = NEW.user_id;
END;
