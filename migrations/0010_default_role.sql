-- The default role is everybody's, so a change of it concerns every watch. It writes one row here, and
-- each watch takes it in by itself: with its next fill, or in a bounded step of the consumer, whichever
-- comes first. Until then the watch is behind. A fill never reads the roles of a watch that is behind,
-- else one version would name two sets.

-- The version of what everybody has: one row, which only rises.
CREATE TABLE everyone (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;

-- The version of it that the watch has taken in. The watches that are here have taken in everything.
ALTER TABLE watches ADD COLUMN everyone_version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX watches_behind ON watches (everyone_version);

INSERT INTO everyone (id, version) VALUES (1, 0);

DROP TRIGGER bump_settings_insert;
DROP TRIGGER bump_settings_update;
DROP TRIGGER bump_settings_delete;
DROP TRIGGER bump_roles_insert;
DROP TRIGGER bump_roles_update;
DROP TRIGGER bump_roles_delete;

-- settings: the default role is everybody's. The row is made again if a hand has deleted it.
CREATE TRIGGER bump_settings_insert AFTER INSERT ON settings WHEN NEW.key = 'default_role' BEGIN INSERT INTO everyone (id, version) VALUES (1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_settings_update AFTER UPDATE ON settings WHEN 'default_role' IN (OLD.key, NEW.key) AND (OLD.key <> NEW.key OR OLD.value <> NEW.value) BEGIN INSERT INTO everyone (id, version) VALUES (1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_settings_delete AFTER DELETE ON settings WHEN OLD.key = 'default_role' BEGIN INSERT INTO everyone (id, version) VALUES (1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;

-- roles: the users who have the name by metadata or by grant. And everybody, when it is the default role's.
CREATE TRIGGER bump_roles_insert AFTER INSERT ON roles BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT g.user_id FROM role_grants g WHERE g.role_id IN (NEW.id) UNION ALL SELECT a.user_id FROM user_app_roles a WHERE a.role IN (NEW.name)); INSERT INTO everyone (id, version) SELECT 1, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM settings s WHERE s.key = 'default_role' AND s.value IN (NEW.name) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_roles_update AFTER UPDATE ON roles WHEN OLD.id <> NEW.id OR OLD.name IS NOT NEW.name BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT g.user_id FROM role_grants g WHERE g.role_id IN (OLD.id, NEW.id) UNION ALL SELECT a.user_id FROM user_app_roles a WHERE a.role IN (OLD.name, NEW.name)); INSERT INTO everyone (id, version) SELECT 1, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM settings s WHERE s.key = 'default_role' AND s.value IN (OLD.name, NEW.name) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_roles_delete AFTER DELETE ON roles BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT g.user_id FROM role_grants g WHERE g.role_id IN (OLD.id) UNION ALL SELECT a.user_id FROM user_app_roles a WHERE a.role IN (OLD.name)); INSERT INTO everyone (id, version) SELECT 1, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM settings s WHERE s.key = 'default_role' AND s.value IN (OLD.name) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
