-- How far a watch had come when it was deleted, while that lies at or ahead of the clock: a version
-- runs ahead by the number of changes to one user within one millisecond. The watch that follows
-- begins above it, so that no version ever names two sets of roles. It then needs the mark no more.
CREATE TABLE watch_marks (user_id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER mark_watches_delete AFTER DELETE ON watches WHEN CAST(unixepoch('subsec') * 1000 AS INTEGER) <= OLD.version BEGIN INSERT INTO watch_marks (user_id, version) VALUES (OLD.user_id, OLD.version) ON CONFLICT (user_id) DO UPDATE SET version = max(version, excluded.version); END;
CREATE TRIGGER mark_watches_insert AFTER INSERT ON watches BEGIN DELETE FROM watch_marks WHERE user_id = NEW.user_id; END;
