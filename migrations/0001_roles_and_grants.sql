-- App roles and what operators grant. Takes over a database made by the tutorial: its tables are
-- created where they are missing, its rows become grants, and its join table gives way to a view.

-- Nothing is touched in a database that has a table under one of our names: the check of that name
-- fails, and the whole migration with it. See README.md.
CREATE TABLE rolecall_room (
  name TEXT,
  CONSTRAINT "the name users is taken, see migrations/README.md" CHECK (name <> 'users'),
  CONSTRAINT "the name organizations is taken, see migrations/README.md" CHECK (name <> 'organizations'),
  CONSTRAINT "the name memberships is taken, see migrations/README.md" CHECK (name <> 'memberships'),
  CONSTRAINT "the name settings is taken, see migrations/README.md" CHECK (name <> 'settings'),
  CONSTRAINT "the name audit is taken, see migrations/README.md" CHECK (name <> 'audit'),
  CONSTRAINT "a name that Rolecall needs is taken, see migrations/README.md" CHECK (
    name NOT IN ('role_grants', 'org_roles', 'org_permissions', 'watches', 'watch_marks', 'deliveries', 'dead_letters')
    AND name NOT IN ('org_role_catalogue', 'role_permissions', 'catalogue_gap', 'org_memberships', 'synced')
    AND name NOT IN ('membership_pairs', 'current_memberships', 'org_role_keys', 'org_permission_keys')
    AND name NOT IN ('listed_permissions', 'retired_permissions', 'permission_holders', 'user_app_roles', 'user_role_names', 'everyone')
  )
);

INSERT INTO rolecall_room (name) SELECT lower(name) FROM sqlite_master WHERE type IN ('table', 'view');

DROP TABLE rolecall_room;

CREATE TABLE IF NOT EXISTS roles (id INTEGER PRIMARY KEY, name TEXT UNIQUE);

-- Leaves nothing behind. Fails where roles is a table of another shape than the tutorial's, or where a
-- name alone does not make a role: each delivery that names a new one would fail on it.
INSERT INTO roles (name) VALUES ('rolecall probe') ON CONFLICT (name) DO NOTHING;

DELETE FROM roles WHERE name = 'rolecall probe';

CREATE TABLE IF NOT EXISTS user_roles (user_id TEXT NOT NULL, role_id INTEGER NOT NULL, PRIMARY KEY (user_id, role_id));

-- One row per user and role: the latest word by (at, id), granting or revoking.
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

-- Who holds a role, and what a change of the role's name touches.
CREATE INDEX role_grants_by_role ON role_grants (role_id);

INSERT INTO role_grants (user_id, role_id, granted, at, id, actor, reason) SELECT DISTINCT user_id, role_id, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER), 'takeover', 'migration', 'taken over from user_roles' FROM user_roles;

DROP TABLE user_roles;
