-- App roles from those who have them: what a change of a name costs, and what a fill reads, follows
-- from the holders of a role and the roles of a user alone, and not from all users or all names.

-- Which live users have which role by their metadata, kept by triggers on users.
CREATE TABLE user_app_roles (role TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (role, user_id)) STRICT, WITHOUT ROWID;

INSERT INTO user_app_roles (role, user_id)
SELECT DISTINCT j.value, u.id FROM users u CROSS JOIN json_each(u.app_roles) j
WHERE u.deleted = 0 AND j.type = 'text';

CREATE TRIGGER list_users_insert AFTER INSERT ON users BEGIN INSERT INTO user_app_roles (role, user_id) SELECT DISTINCT j.value, NEW.id FROM json_each(NEW.app_roles) j WHERE NEW.deleted = 0 AND j.type = 'text' ON CONFLICT (role, user_id) DO NOTHING; END;
CREATE TRIGGER list_users_update AFTER UPDATE ON users WHEN OLD.id <> NEW.id OR OLD.deleted <> NEW.deleted OR OLD.app_roles <> NEW.app_roles BEGIN DELETE FROM user_app_roles WHERE user_id = OLD.id AND role IN (SELECT j.value FROM json_each(OLD.app_roles) j); INSERT INTO user_app_roles (role, user_id) SELECT DISTINCT j.value, NEW.id FROM json_each(NEW.app_roles) j WHERE NEW.deleted = 0 AND j.type = 'text' ON CONFLICT (role, user_id) DO NOTHING; END;
CREATE TRIGGER list_users_delete AFTER DELETE ON users BEGIN DELETE FROM user_app_roles WHERE user_id = OLD.id AND role IN (SELECT j.value FROM json_each(OLD.app_roles) j); END;

-- roles: the users who have the name by metadata, by grant or by default.
DROP TRIGGER bump_roles_insert;
DROP TRIGGER bump_roles_update;
DROP TRIGGER bump_roles_delete;
CREATE TRIGGER bump_roles_insert AFTER INSERT ON roles BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT g.user_id FROM role_grants g WHERE g.role_id IN (NEW.id) UNION ALL SELECT a.user_id FROM user_app_roles a WHERE a.role IN (NEW.name) UNION ALL SELECT w.user_id FROM settings s CROSS JOIN watches w WHERE s.key = 'default_role' AND s.value IN (NEW.name)); END;
CREATE TRIGGER bump_roles_update AFTER UPDATE ON roles WHEN OLD.id <> NEW.id OR OLD.name IS NOT NEW.name BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT g.user_id FROM role_grants g WHERE g.role_id IN (OLD.id, NEW.id) UNION ALL SELECT a.user_id FROM user_app_roles a WHERE a.role IN (OLD.name, NEW.name) UNION ALL SELECT w.user_id FROM settings s CROSS JOIN watches w WHERE s.key = 'default_role' AND s.value IN (OLD.name, NEW.name)); END;
CREATE TRIGGER bump_roles_delete AFTER DELETE ON roles BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT g.user_id FROM role_grants g WHERE g.role_id IN (OLD.id) UNION ALL SELECT a.user_id FROM user_app_roles a WHERE a.role IN (OLD.name) UNION ALL SELECT w.user_id FROM settings s CROSS JOIN watches w WHERE s.key = 'default_role' AND s.value IN (OLD.name)); END;

-- What user_roles shows, from one user's own names: by metadata, by default, by grant. It may say a
-- name twice. A test holds the two views together.
CREATE VIEW user_role_names AS
SELECT u.id AS user_id, r.name AS name
FROM users u CROSS JOIN json_each(u.app_roles) j CROSS JOIN roles r LEFT JOIN role_grants g ON g.user_id = u.id AND g.role_id = r.id
WHERE u.deleted = 0 AND u.banned = 0 AND j.type = 'text' AND r.name = j.value
  AND typeof(r.name) = 'text' AND r.name <> '' AND coalesce(g.granted, 1) = 1
UNION ALL
SELECT u.id AS user_id, r.name AS name
FROM users u CROSS JOIN settings s CROSS JOIN roles r LEFT JOIN role_grants g ON g.user_id = u.id AND g.role_id = r.id
WHERE u.deleted = 0 AND u.banned = 0 AND s.key = 'default_role' AND r.name = s.value
  AND typeof(r.name) = 'text' AND r.name <> '' AND coalesce(g.granted, 1) = 1
UNION ALL
SELECT u.id AS user_id, r.name AS name
FROM users u CROSS JOIN role_grants g CROSS JOIN roles r
WHERE u.deleted = 0 AND u.banned = 0 AND g.user_id = u.id AND g.granted = 1 AND r.id = g.role_id
  AND typeof(r.name) = 'text' AND r.name <> '';
