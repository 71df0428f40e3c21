-- Tables of the app roles and of what operators grant. Takes over the tutorial's database: its rows
-- become grants, and its table user_roles gives way to a view of the same name.

-- The whole step fails, and changes nothing, where a table or a view has one of Rolecall's names:
-- the CHECK of that name fails. README.md tells the operator what to do.
CREATE TABLE rolecall_room (
  name TEXT,
  CONSTRAINT "the name users is taken, see migrations/README.md" CHECK (name <> 'users'),
  CONSTRAINT "the name organizations is taken, see migrations/README.md"
    CHECK (name <> 'organizations'),
  CONSTRAINT "the name memberships is taken, see migrations/README.md"
    CHECK (name <> 'memberships'),
  CONSTRAINT "the name settings is taken, see migrations/README.md" CHECK (name <> 'settings'),
  CONSTRAINT "the name audit is taken, see migrations/README.md" CHECK (name <> 'audit'),
  CONSTRAINT "a name that Rolecall needs is taken, see migrations/README.md" CHECK (
    name NOT IN ('role_grants', 'user_app_roles', 'user_role_names', 'synced')
    AND name NOT IN ('org_roles', 'org_permissions', 'membership_pairs', 'current_memberships')
    AND name NOT IN ('org_role_keys', 'org_permission_keys', 'listed_permissions')
    AND name NOT IN ('org_role_catalogue', 'role_permissions', 'retired_permissions')
    AND name NOT IN ('permission_holders', 'org_memberships')
    AND name NOT IN ('watches', 'watch_marks', 'everyone', 'deliveries', 'dead_letters')
    AND name NOT IN ('rolecall_clock', 'rolecall_tables')
    AND name NOT IN ('replays', 'replay_letters', 'replay_counts', 'dead_letter_counts')
    AND name NOT IN ('flow', 'heartbeats', 'operator_names', 'totals', 'canary_runs')
  )
);

INSERT INTO rolecall_room (name)
SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view');

DROP TABLE rolecall_room;

-- The names of app roles, as the tutorial has them.
CREATE TABLE IF NOT EXISTS roles (id INTEGER PRIMARY KEY, name TEXT UNIQUE);

-- Fails where the application's own roles table has another shape, or needs more than a name for a
-- row: else each delivery with a new role name would fail on it. Leaves nothing behind.
INSERT INTO roles (name) VALUES ('rolecall probe') ON CONFLICT (name) DO NOTHING;

DELETE FROM roles WHERE name = 'rolecall probe';

CREATE TABLE IF NOT EXISTS user_roles (
  user_id TEXT NOT NULL,
  role_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, role_id)
);

-- One row per user and role: the latest word of operators by (at, id), granting or revoking.
CREATE TABLE role_grants (
  user_id TEXT NOT NULL,
  role_id INTEGER NOT NULL,
  granted INTEGER NOT NULL CHECK (granted IN (0, 1)),
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  actor TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (user_id, role_id)
) STRICT, WITHOUT ROWID;

-- Finds who holds a role: those whom a change of its name touches.
CREATE INDEX role_grants_by_role ON role_grants (role_id);

INSERT INTO role_grants (user_id, role_id, granted, at, id, actor, reason)
SELECT DISTINCT
  user_id,
  role_id,
  1,
  CAST(unixepoch('subsec') * 1000 AS INTEGER),
  'takeover',
  'migration',
  'taken over from user_roles'
FROM user_roles;

DROP TABLE user_roles;
