-- Whose permissions count. A live role decides for its key. Where none has the key, the membership's
-- own list speaks, but only for a key of which nothing was ever heard: one that was heard of and has
-- no role is one that was deleted or renamed. And a permission key that was heard of and that no live
-- permission bears is retired: it is left out of every list. Both sets of keys only grow, so in
-- whatever order things are heard they end the same.

-- The keys of every live state that was heard of a role or a permission, won or refused.
CREATE TABLE org_role_keys (key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE org_permission_keys (key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;

-- The permissions that a live membership of a role has ever listed itself: who is touched by a
-- change of a permission is found by it, and by the index behind it.
CREATE TABLE listed_permissions (permission TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (permission, role)) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_by_role ON memberships (role) WHERE deleted = 0;
CREATE INDEX org_roles_by_key ON org_roles (key) WHERE deleted = 0;
CREATE INDEX org_permissions_by_key ON org_permissions (key) WHERE deleted = 0;

INSERT INTO org_role_keys (key) SELECT DISTINCT r.key FROM org_roles r WHERE r.deleted = 0;
INSERT INTO org_permission_keys (key) SELECT DISTINCT p.key FROM org_permissions p WHERE p.deleted = 0;

-- Tombstones are blank. Where a role or a permission was deleted, or the catalogue was said to be
-- complete, a role that a membership names and the catalogue lacks may be a deleted one, and its list
-- may hold a deleted permission: it stays silent until the role is heard of. No permission's key is
-- made up: a permission that lives would be retired for good.
INSERT INTO org_role_keys (key)
SELECT DISTINCT m.role FROM memberships m
WHERE m.deleted = 0
  AND (
    EXISTS (SELECT 1 FROM org_roles r WHERE r.deleted = 1)
    OR EXISTS (SELECT 1 FROM org_permissions p WHERE p.deleted = 1)
    OR EXISTS (SELECT 1 FROM settings s WHERE s.key = 'catalogue_complete')
  )
ON CONFLICT (key) DO NOTHING;

INSERT INTO listed_permissions (permission, role)
SELECT DISTINCT j.value, m.role FROM memberships m CROSS JOIN json_each(m.permissions) j
WHERE m.deleted = 0 AND j.type = 'text';

CREATE VIEW retired_permissions AS
SELECT k.key AS key FROM org_permission_keys k
WHERE NOT EXISTS (SELECT 1 FROM org_permissions p WHERE p.deleted = 0 AND p.key = k.key);

-- Who holds a permission by its key alone: by a role that lists it while its own row is unknown, or
-- by a membership's own list. Retired or not.
CREATE VIEW permission_holders AS
SELECT c.key AS key, m.user_id AS user_id
FROM role_permissions c CROSS JOIN current_memberships m
WHERE m.role = c.role AND NOT EXISTS (SELECT 1 FROM org_permissions p WHERE p.id = c.id)
UNION ALL
SELECT l.permission AS key, m.user_id AS user_id
FROM listed_permissions l CROSS JOIN current_memberships m
WHERE m.role = l.role
  AND NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = l.role)
  AND NOT EXISTS (SELECT 1 FROM org_role_keys h WHERE h.key = l.role)
  AND EXISTS (SELECT 1 FROM json_each(m.permissions) j WHERE j.type = 'text' AND j.value = l.permission);

DROP TRIGGER bump_memberships_insert;
DROP TRIGGER bump_memberships_update;
DROP TRIGGER bump_memberships_delete;
DROP TRIGGER bump_org_roles_insert;
DROP TRIGGER bump_org_roles_update;
DROP TRIGGER bump_org_roles_delete;
DROP TRIGGER bump_org_permissions_insert;
DROP TRIGGER bump_org_permissions_update;
DROP TRIGGER bump_org_permissions_delete;
DROP TRIGGER bump_settings_insert;
DROP TRIGGER bump_settings_update;
DROP TRIGGER bump_settings_delete;
DROP VIEW org_memberships;
DROP VIEW catalogue_gap;

DELETE FROM settings WHERE key = 'catalogue_complete';

CREATE VIEW org_memberships AS
SELECT m.user_id AS user_id, m.org_id AS org_id, m.role AS role,
  iif(
    EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = m.role),
    (
      SELECT json_group_array(coalesce(p.key, c.key))
      FROM org_role_catalogue r
      JOIN role_permissions c ON c.role_id = r.id
      LEFT JOIN org_permissions p ON p.id = c.id
      WHERE r.key = m.role
        AND iif(p.id IS NULL, NOT EXISTS (SELECT 1 FROM retired_permissions t WHERE t.key = c.key), p.deleted = 0)
    ),
    (
      SELECT json_group_array(j.value)
      FROM json_each(m.permissions) j
      WHERE j.type = 'text'
        AND NOT EXISTS (SELECT 1 FROM org_role_keys h WHERE h.key = m.role)
        AND NOT EXISTS (SELECT 1 FROM retired_permissions t WHERE t.key = j.value)
    )
  ) AS permissions
FROM current_memberships m
WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = m.org_id AND o.deleted = 1)
  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.user_id AND (u.deleted = 1 OR u.banned = 1));

-- What their own lists or retired keys give may differ from what was served: whom the catalogue
-- says nothing of, and whose role lists a key that is retired.
UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = m.role) UNION ALL SELECT h.user_id FROM retired_permissions t JOIN permission_holders h ON h.key = t.key);

-- memberships: the own permissions count while they speak for the role.
CREATE TRIGGER bump_memberships_insert AFTER INSERT ON memberships WHEN NEW.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id = NEW.user_id AND EXISTS (SELECT 1 FROM current_memberships m WHERE m.id = NEW.id); INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest) VALUES (NEW.org_id, NEW.user_id, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest); INSERT INTO listed_permissions (permission, role) SELECT DISTINCT j.value, NEW.role FROM json_each(NEW.permissions) j WHERE j.type = 'text' ON CONFLICT (permission, role) DO NOTHING; END;
CREATE TRIGGER bump_memberships_update AFTER UPDATE ON memberships WHEN (OLD.id, OLD.org_id, OLD.user_id, OLD.role, OLD.permissions, OLD.deleted, OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest) <> (NEW.id, NEW.org_id, NEW.user_id, NEW.role, NEW.permissions, NEW.deleted, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (OLD.user_id, NEW.user_id) AND iif((OLD.deleted = 0 AND NOT EXISTS (SELECT 1 FROM membership_pairs p WHERE p.org_id = OLD.org_id AND p.user_id = OLD.user_id AND (p.updated_at, p.event_at, p.projection, p.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest))) AND EXISTS (SELECT 1 FROM current_memberships m WHERE m.id = NEW.id), OLD.user_id <> NEW.user_id OR OLD.org_id <> NEW.org_id OR OLD.role <> NEW.role OR (OLD.permissions <> NEW.permissions AND NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = NEW.role) AND NOT EXISTS (SELECT 1 FROM org_role_keys h WHERE h.key = NEW.role)), (user_id = OLD.user_id AND (OLD.deleted = 0 AND NOT EXISTS (SELECT 1 FROM membership_pairs p WHERE p.org_id = OLD.org_id AND p.user_id = OLD.user_id AND (p.updated_at, p.event_at, p.projection, p.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)))) OR (user_id = NEW.user_id AND EXISTS (SELECT 1 FROM current_memberships m WHERE m.id = NEW.id))); INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest) SELECT NEW.org_id, NEW.user_id, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest WHERE NEW.deleted = 0 ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest); INSERT INTO listed_permissions (permission, role) SELECT DISTINCT j.value, NEW.role FROM json_each(NEW.permissions) j WHERE NEW.deleted = 0 AND j.type = 'text' ON CONFLICT (permission, role) DO NOTHING; END;
CREATE TRIGGER bump_memberships_delete AFTER DELETE ON memberships WHEN OLD.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id = OLD.user_id AND NOT EXISTS (SELECT 1 FROM membership_pairs p WHERE p.org_id = OLD.org_id AND p.user_id = OLD.user_id AND (p.updated_at, p.event_at, p.projection, p.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)); END;

-- org_roles: the members who hold the role's key.
CREATE TRIGGER bump_org_roles_insert AFTER INSERT ON org_roles WHEN NEW.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role = NEW.key); INSERT INTO org_role_keys (key) VALUES (NEW.key) ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_roles_update AFTER UPDATE ON org_roles WHEN OLD.deleted <> NEW.deleted OR (NEW.deleted = 0 AND (OLD.key <> NEW.key OR OLD.permissions <> NEW.permissions OR ((OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest) <> (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) AND EXISTS (SELECT 1 FROM org_roles o WHERE o.deleted = 0 AND o.key = NEW.key AND o.id <> NEW.id)))) BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role IN (OLD.key, NEW.key)); INSERT INTO org_role_keys (key) SELECT NEW.key WHERE NEW.deleted = 0 ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_roles_delete AFTER DELETE ON org_roles WHEN OLD.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role = OLD.key); END;

-- org_role_keys: the members of a role that nobody has, whose own lists it ends.
CREATE TRIGGER bump_org_role_keys_insert AFTER INSERT ON org_role_keys BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role = NEW.key AND NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = NEW.key)); END;
CREATE TRIGGER bump_org_role_keys_update AFTER UPDATE ON org_role_keys WHEN OLD.key <> NEW.key BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role IN (OLD.key, NEW.key) AND NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = m.role)); END;
CREATE TRIGGER bump_org_role_keys_delete AFTER DELETE ON org_role_keys BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role = OLD.key AND NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = OLD.key)); END;

-- org_permissions: the members whose role lists it, when what it gives them differs, and those who
-- hold the key without it, when it retires or comes back.
CREATE TRIGGER bump_org_permissions_insert AFTER INSERT ON org_permissions BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role IN (SELECT c.role FROM role_permissions c WHERE c.id = NEW.id AND iif(EXISTS (SELECT 1 FROM org_permission_keys h WHERE h.key = c.key) AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = c.key AND o.id <> NEW.id), NEW.deleted = 0, NEW.deleted = 1 OR c.key <> NEW.key)) UNION ALL SELECT h.user_id FROM permission_holders h WHERE h.key = NEW.key AND NEW.deleted = 0 AND EXISTS (SELECT 1 FROM org_permission_keys h WHERE h.key = NEW.key) AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = NEW.key AND o.id <> NEW.id)); INSERT INTO org_permission_keys (key) SELECT NEW.key WHERE NEW.deleted = 0 ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_permissions_update AFTER UPDATE ON org_permissions WHEN OLD.id <> NEW.id OR OLD.deleted <> NEW.deleted OR (NEW.deleted = 0 AND OLD.key <> NEW.key) BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role IN (SELECT c.role FROM role_permissions c WHERE c.id IN (OLD.id, NEW.id)) UNION ALL SELECT h.user_id FROM permission_holders h WHERE h.key = OLD.key AND OLD.deleted = 0 AND EXISTS (SELECT 1 FROM retired_permissions t WHERE t.key = OLD.key) UNION ALL SELECT h.user_id FROM permission_holders h WHERE h.key = NEW.key AND NEW.deleted = 0 AND (OLD.deleted = 1 OR OLD.key <> NEW.key) AND EXISTS (SELECT 1 FROM org_permission_keys h WHERE h.key = NEW.key) AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = NEW.key AND o.id <> NEW.id)); INSERT INTO org_permission_keys (key) SELECT NEW.key WHERE NEW.deleted = 0 ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_permissions_delete AFTER DELETE ON org_permissions BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.role IN (SELECT c.role FROM role_permissions c WHERE c.id = OLD.id AND iif(EXISTS (SELECT 1 FROM retired_permissions t WHERE t.key = c.key), OLD.deleted = 0, OLD.deleted = 1 OR c.key <> OLD.key)) UNION ALL SELECT h.user_id FROM permission_holders h WHERE h.key = OLD.key AND OLD.deleted = 0 AND EXISTS (SELECT 1 FROM retired_permissions t WHERE t.key = OLD.key)); END;

-- org_permission_keys: who holds the key, when no permission bears it.
CREATE TRIGGER bump_org_permission_keys_insert AFTER INSERT ON org_permission_keys BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT h.user_id FROM permission_holders h WHERE h.key = NEW.key AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = NEW.key)); END;
CREATE TRIGGER bump_org_permission_keys_update AFTER UPDATE ON org_permission_keys WHEN OLD.key <> NEW.key BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT h.user_id FROM permission_holders h WHERE h.key = OLD.key AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = OLD.key) UNION ALL SELECT h.user_id FROM permission_holders h WHERE h.key = NEW.key AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = NEW.key)); END;
CREATE TRIGGER bump_org_permission_keys_delete AFTER DELETE ON org_permission_keys BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT h.user_id FROM permission_holders h WHERE h.key = OLD.key AND NOT EXISTS (SELECT 1 FROM org_permissions o WHERE o.deleted = 0 AND o.key = OLD.key)); END;

-- settings: the default role is everybody's.
CREATE TRIGGER bump_settings_insert AFTER INSERT ON settings WHEN NEW.key = 'default_role' BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE true; END;
CREATE TRIGGER bump_settings_update AFTER UPDATE ON settings WHEN 'default_role' IN (OLD.key, NEW.key) AND (OLD.key <> NEW.key OR OLD.value <> NEW.value) BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE true; END;
CREATE TRIGGER bump_settings_delete AFTER DELETE ON settings WHEN OLD.key = 'default_role' BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE true; END;
