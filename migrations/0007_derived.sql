-- Makes every view and every trigger anew, in one step. Written by `cargo xtask derived` from the
-- files in migrations/derived/: read and change those. D1 takes a trigger on one line only.

DROP TRIGGER IF EXISTS user_roles_insert;
DROP TRIGGER IF EXISTS user_roles_delete;
DROP TRIGGER IF EXISTS audit_is_append_only_update;
DROP TRIGGER IF EXISTS audit_is_append_only_delete;
DROP TRIGGER IF EXISTS audit_continues_the_chain;
DROP TRIGGER IF EXISTS count_dead_letters_insert;
DROP TRIGGER IF EXISTS count_dead_letters_delete;
DROP TRIGGER IF EXISTS count_dead_letters_update;
DROP TRIGGER IF EXISTS tell_replay_update;
DROP TRIGGER IF EXISTS bump_membership_pairs_insert;
DROP TRIGGER IF EXISTS bump_membership_pairs_update;
DROP TRIGGER IF EXISTS bump_membership_pairs_delete;
DROP TRIGGER IF EXISTS bump_memberships_insert;
DROP TRIGGER IF EXISTS bump_memberships_update;
DROP TRIGGER IF EXISTS bump_memberships_delete;
DROP TRIGGER IF EXISTS bump_org_permission_keys_insert;
DROP TRIGGER IF EXISTS bump_org_permission_keys_update;
DROP TRIGGER IF EXISTS bump_org_permission_keys_delete;
DROP TRIGGER IF EXISTS bump_org_permissions_insert;
DROP TRIGGER IF EXISTS bump_org_permissions_update;
DROP TRIGGER IF EXISTS bump_org_permissions_delete;
DROP TRIGGER IF EXISTS bump_org_role_keys_insert;
DROP TRIGGER IF EXISTS bump_org_role_keys_update;
DROP TRIGGER IF EXISTS bump_org_role_keys_delete;
DROP TRIGGER IF EXISTS bump_org_roles_insert;
DROP TRIGGER IF EXISTS bump_org_roles_update;
DROP TRIGGER IF EXISTS bump_org_roles_delete;
DROP TRIGGER IF EXISTS bump_organizations_insert;
DROP TRIGGER IF EXISTS bump_organizations_update;
DROP TRIGGER IF EXISTS bump_organizations_delete;
DROP TRIGGER IF EXISTS count_replay_letters_insert;
DROP TRIGGER IF EXISTS count_replay_letters_update;
DROP TRIGGER IF EXISTS count_replay_letters_delete;
DROP TRIGGER IF EXISTS bump_role_grants_insert;
DROP TRIGGER IF EXISTS bump_role_grants_update;
DROP TRIGGER IF EXISTS bump_role_grants_delete;
DROP TRIGGER IF EXISTS bump_roles_insert;
DROP TRIGGER IF EXISTS bump_roles_update;
DROP TRIGGER IF EXISTS bump_roles_delete;
DROP TRIGGER IF EXISTS bump_settings_insert;
DROP TRIGGER IF EXISTS bump_settings_update;
DROP TRIGGER IF EXISTS bump_settings_delete;
DROP TRIGGER IF EXISTS bump_users_insert;
DROP TRIGGER IF EXISTS bump_users_update;
DROP TRIGGER IF EXISTS bump_users_delete;
DROP TRIGGER IF EXISTS list_users_insert;
DROP TRIGGER IF EXISTS list_users_update;
DROP TRIGGER IF EXISTS list_users_delete;
DROP TRIGGER IF EXISTS mark_watches_delete;
DROP TRIGGER IF EXISTS mark_watches_insert;
DROP VIEW IF EXISTS user_roles;
DROP VIEW IF EXISTS user_role_names;
DROP VIEW IF EXISTS rolecall_clock;
DROP VIEW IF EXISTS current_memberships;
DROP VIEW IF EXISTS org_role_catalogue;
DROP VIEW IF EXISTS role_permissions;
DROP VIEW IF EXISTS retired_permissions;
DROP VIEW IF EXISTS permission_holders;
DROP VIEW IF EXISTS org_memberships;
DROP VIEW IF EXISTS synced;

-- derived/views/app_roles.sql
CREATE VIEW user_roles AS
SELECT users.id AS user_id, roles.id AS role_id
FROM users
CROSS JOIN roles
LEFT JOIN role_grants ON role_grants.user_id = users.id AND role_grants.role_id = roles.id
WHERE users.deleted = 0
  AND users.banned = 0
  AND typeof(roles.name) = 'text'
  AND roles.name <> ''
  AND coalesce(
    role_grants.granted,
    roles.name = (SELECT settings.value FROM settings WHERE settings.key = 'default_role')
    OR EXISTS (
      SELECT 1 FROM json_each(users.app_roles) AS entry
      WHERE entry.type = 'text' AND entry.value = roles.name
    )
  );
CREATE TRIGGER user_roles_insert INSTEAD OF INSERT ON user_roles BEGIN INSERT INTO role_grants (user_id, role_id, granted, at, id, actor) VALUES (NEW.user_id, NEW.role_id, 1, (SELECT now_ms FROM rolecall_clock), 'sql:' || lower(hex(randomblob(8))), 'sql') ON CONFLICT (user_id, role_id) DO UPDATE SET granted = 1, at = max(excluded.at, role_grants.at + 1), id = excluded.id, actor = excluded.actor, reason = '', ends_at = NULL; END;
CREATE TRIGGER user_roles_delete INSTEAD OF DELETE ON user_roles BEGIN INSERT INTO role_grants (user_id, role_id, granted, at, id, actor) VALUES (OLD.user_id, OLD.role_id, 0, (SELECT now_ms FROM rolecall_clock), 'sql:' || lower(hex(randomblob(8))), 'sql') ON CONFLICT (user_id, role_id) DO UPDATE SET granted = 0, at = max(excluded.at, role_grants.at + 1), id = excluded.id, actor = excluded.actor, reason = '', ends_at = NULL; END;
CREATE VIEW user_role_names AS
SELECT users.id AS user_id, roles.name AS name
FROM users
CROSS JOIN json_each(users.app_roles) AS entry
CROSS JOIN roles
LEFT JOIN role_grants ON role_grants.user_id = users.id AND role_grants.role_id = roles.id
WHERE users.deleted = 0
  AND users.banned = 0
  AND entry.type = 'text'
  AND roles.name = entry.value
  AND typeof(roles.name) = 'text'
  AND roles.name <> ''
  AND coalesce(role_grants.granted, 1) = 1
UNION ALL
SELECT users.id AS user_id, roles.name AS name
FROM users
CROSS JOIN settings
CROSS JOIN roles
LEFT JOIN role_grants ON role_grants.user_id = users.id AND role_grants.role_id = roles.id
WHERE users.deleted = 0
  AND users.banned = 0
  AND settings.key = 'default_role'
  AND roles.name = settings.value
  AND typeof(roles.name) = 'text'
  AND roles.name <> ''
  AND coalesce(role_grants.granted, 1) = 1
UNION ALL
SELECT users.id AS user_id, roles.name AS name
FROM users
CROSS JOIN role_grants
CROSS JOIN roles
WHERE users.deleted = 0
  AND users.banned = 0
  AND role_grants.user_id = users.id
  AND role_grants.granted = 1
  AND roles.id = role_grants.role_id
  AND typeof(roles.name) = 'text'
  AND roles.name <> '';

-- derived/views/clock.sql
CREATE VIEW rolecall_clock AS
SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now_ms;

-- derived/views/organizations.sql
CREATE VIEW current_memberships AS
SELECT
  memberships.id AS id,
  memberships.org_id AS org_id,
  memberships.user_id AS user_id,
  memberships.role AS role,
  memberships.permissions AS permissions
FROM memberships
WHERE memberships.deleted = 0
  AND NOT EXISTS (
    SELECT 1 FROM membership_pairs AS pair
    WHERE pair.org_id = memberships.org_id
      AND pair.user_id = memberships.user_id
      AND (pair.updated_at, pair.event_at, pair.projection, pair.digest)
        > (
          memberships.updated_at,
          memberships.event_at,
          memberships.projection,
          memberships.digest
        )
  );
CREATE VIEW org_role_catalogue AS
SELECT role.id AS id, role.key AS key
FROM org_roles AS role
WHERE role.deleted = 0
  AND NOT EXISTS (
    SELECT 1 FROM org_roles AS rival
    WHERE rival.deleted = 0
      AND rival.key = role.key
      AND (rival.updated_at, rival.event_at, rival.projection, rival.digest)
        > (role.updated_at, role.event_at, role.projection, role.digest)
  );
CREATE VIEW role_permissions AS
SELECT
  role.id AS role_id,
  role.key AS role,
  role.permissions ->> (entry.fullkey || '.id') AS id,
  role.permissions ->> (entry.fullkey || '.key') AS key
FROM org_roles AS role
CROSS JOIN json_each(role.permissions) AS entry
WHERE role.deleted = 0
  AND json_type(role.permissions, entry.fullkey || '.id') = 'text'
  AND json_type(role.permissions, entry.fullkey || '.key') = 'text';
CREATE VIEW retired_permissions AS
SELECT known.key AS key
FROM org_permission_keys AS known
WHERE NOT EXISTS (
  SELECT 1 FROM org_permissions AS permission
  WHERE permission.deleted = 0 AND permission.key = known.key
);
CREATE VIEW permission_holders AS
SELECT listed.key AS key, member.user_id AS user_id
FROM role_permissions AS listed
CROSS JOIN current_memberships AS member
WHERE member.role = listed.role
  AND NOT EXISTS (SELECT 1 FROM org_permissions AS permission WHERE permission.id = listed.id)
UNION ALL
SELECT own.permission AS key, member.user_id AS user_id
FROM listed_permissions AS own
CROSS JOIN current_memberships AS member
WHERE member.role = own.role
  AND NOT EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = own.role)
  AND NOT EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = own.role)
  AND EXISTS (
    SELECT 1 FROM json_each(member.permissions) AS entry
    WHERE entry.type = 'text' AND entry.value = own.permission
  );
CREATE VIEW org_memberships AS
SELECT
  member.user_id AS user_id,
  member.org_id AS org_id,
  member.role AS role,
  iif(
    EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = member.role),
    (
      SELECT json_group_array(coalesce(permission.key, listed.key))
      FROM org_role_catalogue AS role
      JOIN role_permissions AS listed ON listed.role_id = role.id
      LEFT JOIN org_permissions AS permission ON permission.id = listed.id
      WHERE role.key = member.role
        AND iif(
          permission.id IS NULL,
          NOT EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = listed.key),
          permission.deleted = 0
        )
    ),
    (
      SELECT json_group_array(entry.value)
      FROM json_each(member.permissions) AS entry
      WHERE entry.type = 'text'
        AND NOT EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = member.role)
        AND NOT EXISTS (
          SELECT 1 FROM retired_permissions AS retired WHERE retired.key = entry.value
        )
    )
  ) AS permissions
FROM current_memberships AS member
WHERE NOT EXISTS (
    SELECT 1 FROM organizations
    WHERE organizations.id = member.org_id AND organizations.deleted = 1
  )
  AND NOT EXISTS (
    SELECT 1 FROM users
    WHERE users.id = member.user_id AND (users.deleted = 1 OR users.banned = 1)
  );

-- derived/views/synced.sql
CREATE VIEW synced AS
SELECT 'user' AS entity, id, deleted, updated_at, event_at, projection, digest FROM users
UNION ALL
SELECT 'organization', id, deleted, updated_at, event_at, projection, digest FROM organizations
UNION ALL
SELECT 'membership', id, deleted, updated_at, event_at, projection, digest FROM memberships
UNION ALL
SELECT 'role', id, deleted, updated_at, event_at, projection, digest FROM org_roles
UNION ALL
SELECT 'permission', id, deleted, updated_at, event_at, projection, digest FROM org_permissions;

-- derived/triggers/audit.sql
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append only'); END;
CREATE TRIGGER audit_continues_the_chain BEFORE INSERT ON audit WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit) OR NEW.prev <> coalesce((SELECT hash FROM audit WHERE seq = NEW.seq - 1), '') BEGIN SELECT RAISE(ABORT, 'the head of the audit trail has moved'); END;

-- derived/triggers/dead_letters.sql
CREATE TRIGGER count_dead_letters_insert AFTER INSERT ON dead_letters BEGIN INSERT INTO dead_letter_counts (state, reason, type, day, letters) VALUES (NEW.state, NEW.reason, coalesce(NEW.type, ''), NEW.first_seen_at / 86400000, 1) ON CONFLICT (state, reason, type, day) DO UPDATE SET letters = letters + 1; END;
CREATE TRIGGER count_dead_letters_delete AFTER DELETE ON dead_letters BEGIN UPDATE dead_letter_counts SET letters = letters - 1 WHERE state = OLD.state AND reason = OLD.reason AND type = coalesce(OLD.type, '') AND day = OLD.first_seen_at / 86400000; DELETE FROM dead_letter_counts WHERE state = OLD.state AND reason = OLD.reason AND type = coalesce(OLD.type, '') AND day = OLD.first_seen_at / 86400000 AND letters <= 0; END;
CREATE TRIGGER count_dead_letters_update AFTER UPDATE ON dead_letters WHEN OLD.state <> NEW.state OR OLD.reason <> NEW.reason OR OLD.type IS NOT NEW.type OR OLD.first_seen_at <> NEW.first_seen_at BEGIN UPDATE dead_letter_counts SET letters = letters - 1 WHERE state = OLD.state AND reason = OLD.reason AND type = coalesce(OLD.type, '') AND day = OLD.first_seen_at / 86400000; DELETE FROM dead_letter_counts WHERE state = OLD.state AND reason = OLD.reason AND type = coalesce(OLD.type, '') AND day = OLD.first_seen_at / 86400000 AND letters <= 0; INSERT INTO dead_letter_counts (state, reason, type, day, letters) VALUES (NEW.state, NEW.reason, coalesce(NEW.type, ''), NEW.first_seen_at / 86400000, 1) ON CONFLICT (state, reason, type, day) DO UPDATE SET letters = letters + 1; END;
CREATE TRIGGER tell_replay_update AFTER UPDATE OF state, returns, generation ON dead_letters WHEN NEW.replay_id IS NOT NULL AND (OLD.state <> NEW.state OR OLD.returns <> NEW.returns OR OLD.generation <> NEW.generation) BEGIN UPDATE replay_letters SET became = iif(NEW.state = 'replaying', 'sent', iif(NEW.returns = OLD.returns, NEW.state, iif(NEW.returns <= 5 AND EXISTS (SELECT 1 FROM replays WHERE id = NEW.replay_id AND is_open = 1), 'waiting', 'left'))), became_at = NEW.state_at, generation = iif(NEW.returns > OLD.returns, NEW.generation, generation) WHERE message_id = NEW.message_id AND replay_id = NEW.replay_id; END;

-- derived/triggers/membership_pairs.sql
CREATE TRIGGER bump_membership_pairs_insert AFTER INSERT ON membership_pairs BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM memberships AS member WHERE member.deleted = 0 AND member.user_id = NEW.user_id AND +member.org_id = NEW.org_id AND (member.updated_at, member.event_at, member.projection, member.digest) < (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest)); END;
CREATE TRIGGER bump_membership_pairs_update AFTER UPDATE ON membership_pairs BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM memberships AS member WHERE member.deleted = 0 AND member.user_id IN (OLD.user_id, NEW.user_id) AND (member.org_id = OLD.org_id AND member.user_id = OLD.user_id AND (member.updated_at, member.event_at, member.projection, member.digest) < (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)) <> (member.org_id = NEW.org_id AND member.user_id = NEW.user_id AND (member.updated_at, member.event_at, member.projection, member.digest) < (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest))); END;
CREATE TRIGGER bump_membership_pairs_delete AFTER DELETE ON membership_pairs BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM memberships AS member WHERE member.deleted = 0 AND member.user_id = OLD.user_id AND +member.org_id = OLD.org_id AND (member.updated_at, member.event_at, member.projection, member.digest) < (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)); END;

-- derived/triggers/memberships.sql
CREATE TRIGGER bump_memberships_insert AFTER INSERT ON memberships WHEN NEW.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id = NEW.user_id AND EXISTS (SELECT 1 FROM current_memberships AS member WHERE member.id = NEW.id); INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest) VALUES (NEW.org_id, NEW.user_id, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest); INSERT INTO listed_permissions (permission, role) SELECT DISTINCT entry.value, NEW.role FROM json_each(NEW.permissions) AS entry WHERE entry.type = 'text' ON CONFLICT (permission, role) DO NOTHING; END;
CREATE TRIGGER bump_memberships_update AFTER UPDATE ON memberships WHEN (OLD.id, OLD.org_id, OLD.user_id, OLD.role, OLD.permissions, OLD.deleted, OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest) <> (NEW.id, NEW.org_id, NEW.user_id, NEW.role, NEW.permissions, NEW.deleted, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (OLD.user_id, NEW.user_id) AND iif((OLD.deleted = 0 AND NOT EXISTS (SELECT 1 FROM membership_pairs AS pair WHERE pair.org_id = OLD.org_id AND pair.user_id = OLD.user_id AND (pair.updated_at, pair.event_at, pair.projection, pair.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest))) AND EXISTS (SELECT 1 FROM current_memberships AS member WHERE member.id = NEW.id), OLD.user_id <> NEW.user_id OR OLD.org_id <> NEW.org_id OR OLD.role <> NEW.role OR (OLD.permissions <> NEW.permissions AND NOT EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = NEW.role) AND NOT EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = NEW.role)), (user_id = OLD.user_id AND (OLD.deleted = 0 AND NOT EXISTS (SELECT 1 FROM membership_pairs AS pair WHERE pair.org_id = OLD.org_id AND pair.user_id = OLD.user_id AND (pair.updated_at, pair.event_at, pair.projection, pair.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)))) OR (user_id = NEW.user_id AND EXISTS (SELECT 1 FROM current_memberships AS member WHERE member.id = NEW.id))); INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest) SELECT NEW.org_id, NEW.user_id, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest WHERE NEW.deleted = 0 ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest); INSERT INTO listed_permissions (permission, role) SELECT DISTINCT entry.value, NEW.role FROM json_each(NEW.permissions) AS entry WHERE NEW.deleted = 0 AND entry.type = 'text' ON CONFLICT (permission, role) DO NOTHING; END;
CREATE TRIGGER bump_memberships_delete AFTER DELETE ON memberships WHEN OLD.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id = OLD.user_id AND NOT EXISTS (SELECT 1 FROM membership_pairs AS pair WHERE pair.org_id = OLD.org_id AND pair.user_id = OLD.user_id AND (pair.updated_at, pair.event_at, pair.projection, pair.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)); END;

-- derived/triggers/org_permission_keys.sql
CREATE TRIGGER bump_org_permission_keys_insert AFTER INSERT ON org_permission_keys BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = NEW.key AND NOT EXISTS (SELECT 1 FROM org_permissions AS permission WHERE permission.deleted = 0 AND permission.key = NEW.key)); END;
CREATE TRIGGER bump_org_permission_keys_update AFTER UPDATE ON org_permission_keys WHEN OLD.key <> NEW.key BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = OLD.key AND NOT EXISTS (SELECT 1 FROM org_permissions AS permission WHERE permission.deleted = 0 AND permission.key = OLD.key) UNION ALL SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = NEW.key AND NOT EXISTS (SELECT 1 FROM org_permissions AS permission WHERE permission.deleted = 0 AND permission.key = NEW.key)); END;
CREATE TRIGGER bump_org_permission_keys_delete AFTER DELETE ON org_permission_keys BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = OLD.key AND NOT EXISTS (SELECT 1 FROM org_permissions AS permission WHERE permission.deleted = 0 AND permission.key = OLD.key)); END;

-- derived/triggers/org_permissions.sql
CREATE TRIGGER bump_org_permissions_insert AFTER INSERT ON org_permissions BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role IN (SELECT listed.role FROM role_permissions AS listed WHERE listed.id = NEW.id AND iif(EXISTS (SELECT 1 FROM org_permission_keys AS known WHERE known.key = listed.key) AND NOT EXISTS (SELECT 1 FROM org_permissions AS other WHERE other.deleted = 0 AND other.key = listed.key AND other.id <> NEW.id), NEW.deleted = 0, NEW.deleted = 1 OR listed.key <> NEW.key)) UNION ALL SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = NEW.key AND NEW.deleted = 0 AND EXISTS (SELECT 1 FROM org_permission_keys AS known WHERE known.key = NEW.key) AND NOT EXISTS (SELECT 1 FROM org_permissions AS other WHERE other.deleted = 0 AND other.key = NEW.key AND other.id <> NEW.id)); INSERT INTO org_permission_keys (key) SELECT NEW.key WHERE NEW.deleted = 0 ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_permissions_update AFTER UPDATE ON org_permissions WHEN OLD.id <> NEW.id OR OLD.deleted <> NEW.deleted OR (NEW.deleted = 0 AND OLD.key <> NEW.key) BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role IN (SELECT listed.role FROM role_permissions AS listed WHERE listed.id IN (OLD.id, NEW.id)) UNION ALL SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = OLD.key AND OLD.deleted = 0 AND EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = OLD.key) UNION ALL SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = NEW.key AND NEW.deleted = 0 AND (OLD.deleted = 1 OR OLD.key <> NEW.key) AND EXISTS (SELECT 1 FROM org_permission_keys AS known WHERE known.key = NEW.key) AND NOT EXISTS (SELECT 1 FROM org_permissions AS other WHERE other.deleted = 0 AND other.key = NEW.key AND other.id <> NEW.id)); INSERT INTO org_permission_keys (key) SELECT NEW.key WHERE NEW.deleted = 0 ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_permissions_delete AFTER DELETE ON org_permissions BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role IN (SELECT listed.role FROM role_permissions AS listed WHERE listed.id = OLD.id AND iif(EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = listed.key), OLD.deleted = 0, OLD.deleted = 1 OR listed.key <> OLD.key)) UNION ALL SELECT holder.user_id FROM permission_holders AS holder WHERE holder.key = OLD.key AND OLD.deleted = 0 AND EXISTS (SELECT 1 FROM retired_permissions AS retired WHERE retired.key = OLD.key)); END;

-- derived/triggers/org_role_keys.sql
CREATE TRIGGER bump_org_role_keys_insert AFTER INSERT ON org_role_keys BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role = NEW.key AND NOT EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = NEW.key)); END;
CREATE TRIGGER bump_org_role_keys_update AFTER UPDATE ON org_role_keys WHEN OLD.key <> NEW.key BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role IN (OLD.key, NEW.key) AND NOT EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = member.role)); END;
CREATE TRIGGER bump_org_role_keys_delete AFTER DELETE ON org_role_keys BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role = OLD.key AND NOT EXISTS (SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = OLD.key)); END;

-- derived/triggers/org_roles.sql
CREATE TRIGGER bump_org_roles_insert AFTER INSERT ON org_roles WHEN NEW.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role = NEW.key); INSERT INTO org_role_keys (key) VALUES (NEW.key) ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_roles_update AFTER UPDATE ON org_roles WHEN OLD.deleted <> NEW.deleted OR (NEW.deleted = 0 AND (OLD.key <> NEW.key OR OLD.permissions <> NEW.permissions OR ((OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest) <> (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) AND EXISTS (SELECT 1 FROM org_roles AS rival WHERE rival.deleted = 0 AND rival.key = NEW.key AND rival.id <> NEW.id)))) BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role IN (OLD.key, NEW.key)); INSERT INTO org_role_keys (key) SELECT NEW.key WHERE NEW.deleted = 0 ON CONFLICT (key) DO NOTHING; END;
CREATE TRIGGER bump_org_roles_delete AFTER DELETE ON org_roles WHEN OLD.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.role = OLD.key); END;

-- derived/triggers/organizations.sql
CREATE TRIGGER bump_organizations_insert AFTER INSERT ON organizations WHEN NEW.deleted = 1 BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.org_id IN (NEW.id)); END;
CREATE TRIGGER bump_organizations_update AFTER UPDATE ON organizations WHEN OLD.deleted <> NEW.deleted OR (OLD.id <> NEW.id AND NEW.deleted = 1) BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.org_id IN (OLD.id, NEW.id)); END;
CREATE TRIGGER bump_organizations_delete AFTER DELETE ON organizations WHEN OLD.deleted = 1 BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT member.user_id FROM current_memberships AS member WHERE member.org_id IN (OLD.id)); END;

-- derived/triggers/replay_letters.sql
CREATE TRIGGER count_replay_letters_insert AFTER INSERT ON replay_letters BEGIN INSERT INTO replay_counts (replay_id, planned, became, letters) VALUES (NEW.replay_id, NEW.planned, NEW.became, 1) ON CONFLICT (replay_id, planned, became) DO UPDATE SET letters = letters + 1; END;
CREATE TRIGGER count_replay_letters_update AFTER UPDATE ON replay_letters WHEN OLD.became <> NEW.became OR OLD.planned <> NEW.planned BEGIN UPDATE replay_counts SET letters = letters - 1 WHERE replay_id = OLD.replay_id AND planned = OLD.planned AND became = OLD.became; INSERT INTO replay_counts (replay_id, planned, became, letters) VALUES (NEW.replay_id, NEW.planned, NEW.became, 1) ON CONFLICT (replay_id, planned, became) DO UPDATE SET letters = letters + 1; END;
CREATE TRIGGER count_replay_letters_delete AFTER DELETE ON replay_letters BEGIN UPDATE replay_counts SET letters = letters - 1 WHERE replay_id = OLD.replay_id AND planned = OLD.planned AND became = OLD.became; END;

-- derived/triggers/role_grants.sql
CREATE TRIGGER bump_role_grants_insert AFTER INSERT ON role_grants BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id = NEW.user_id; END;
CREATE TRIGGER bump_role_grants_update AFTER UPDATE ON role_grants WHEN OLD.user_id <> NEW.user_id OR OLD.role_id <> NEW.role_id OR OLD.granted <> NEW.granted BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (OLD.user_id, NEW.user_id); END;
CREATE TRIGGER bump_role_grants_delete AFTER DELETE ON role_grants BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id = OLD.user_id; END;

-- derived/triggers/roles.sql
CREATE TRIGGER bump_roles_insert AFTER INSERT ON roles BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT role_grants.user_id FROM role_grants WHERE role_grants.role_id IN (NEW.id) UNION ALL SELECT user_app_roles.user_id FROM user_app_roles WHERE user_app_roles.role IN (NEW.name)); INSERT INTO everyone (id, version) SELECT 1, (SELECT now_ms FROM rolecall_clock) FROM settings WHERE settings.key = 'default_role' AND settings.value IN (NEW.name) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_roles_update AFTER UPDATE ON roles WHEN OLD.id <> NEW.id OR OLD.name IS NOT NEW.name BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT role_grants.user_id FROM role_grants WHERE role_grants.role_id IN (OLD.id, NEW.id) UNION ALL SELECT user_app_roles.user_id FROM user_app_roles WHERE user_app_roles.role IN (OLD.name, NEW.name)); INSERT INTO everyone (id, version) SELECT 1, (SELECT now_ms FROM rolecall_clock) FROM settings WHERE settings.key = 'default_role' AND settings.value IN (OLD.name, NEW.name) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_roles_delete AFTER DELETE ON roles BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (SELECT role_grants.user_id FROM role_grants WHERE role_grants.role_id IN (OLD.id) UNION ALL SELECT user_app_roles.user_id FROM user_app_roles WHERE user_app_roles.role IN (OLD.name)); INSERT INTO everyone (id, version) SELECT 1, (SELECT now_ms FROM rolecall_clock) FROM settings WHERE settings.key = 'default_role' AND settings.value IN (OLD.name) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;

-- derived/triggers/settings.sql
CREATE TRIGGER bump_settings_insert AFTER INSERT ON settings WHEN NEW.key = 'default_role' BEGIN INSERT INTO everyone (id, version) VALUES (1, (SELECT now_ms FROM rolecall_clock)) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_settings_update AFTER UPDATE ON settings WHEN 'default_role' IN (OLD.key, NEW.key) AND (OLD.key <> NEW.key OR OLD.value <> NEW.value) BEGIN INSERT INTO everyone (id, version) VALUES (1, (SELECT now_ms FROM rolecall_clock)) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;
CREATE TRIGGER bump_settings_delete AFTER DELETE ON settings WHEN OLD.key = 'default_role' BEGIN INSERT INTO everyone (id, version) VALUES (1, (SELECT now_ms FROM rolecall_clock)) ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version); END;

-- derived/triggers/users.sql
CREATE TRIGGER bump_users_insert AFTER INSERT ON users BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id = NEW.id; END;
CREATE TRIGGER bump_users_update AFTER UPDATE ON users WHEN OLD.id <> NEW.id OR OLD.deleted <> NEW.deleted OR (NEW.deleted = 0 AND (OLD.banned <> NEW.banned OR (NEW.banned = 0 AND OLD.app_roles <> NEW.app_roles))) BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id IN (OLD.id, NEW.id); END;
CREATE TRIGGER bump_users_delete AFTER DELETE ON users BEGIN UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock)) WHERE user_id = OLD.id; END;
CREATE TRIGGER list_users_insert AFTER INSERT ON users BEGIN INSERT INTO user_app_roles (role, user_id) SELECT DISTINCT entry.value, NEW.id FROM json_each(NEW.app_roles) AS entry WHERE NEW.deleted = 0 AND entry.type = 'text' ON CONFLICT (role, user_id) DO NOTHING; END;
CREATE TRIGGER list_users_update AFTER UPDATE ON users WHEN OLD.id <> NEW.id OR OLD.deleted <> NEW.deleted OR OLD.app_roles <> NEW.app_roles BEGIN DELETE FROM user_app_roles WHERE user_id = OLD.id AND role IN (SELECT entry.value FROM json_each(OLD.app_roles) AS entry); INSERT INTO user_app_roles (role, user_id) SELECT DISTINCT entry.value, NEW.id FROM json_each(NEW.app_roles) AS entry WHERE NEW.deleted = 0 AND entry.type = 'text' ON CONFLICT (role, user_id) DO NOTHING; END;
CREATE TRIGGER list_users_delete AFTER DELETE ON users BEGIN DELETE FROM user_app_roles WHERE user_id = OLD.id AND role IN (SELECT entry.value FROM json_each(OLD.app_roles) AS entry); END;

-- derived/triggers/watches.sql
CREATE TRIGGER mark_watches_delete AFTER DELETE ON watches WHEN (SELECT now_ms FROM rolecall_clock) <= OLD.version BEGIN INSERT INTO watch_marks (user_id, version) VALUES (OLD.user_id, OLD.version) ON CONFLICT (user_id) DO UPDATE SET version = max(version, excluded.version); END;
CREATE TRIGGER mark_watches_insert AFTER INSERT ON watches BEGIN DELETE FROM watch_marks WHERE user_id = NEW.user_id; END;
