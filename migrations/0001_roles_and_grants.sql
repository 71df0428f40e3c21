-- App roles and what operators grant. Takes over a database made by the tutorial: its tables are
-- created where they are missing, its rows become grants, and its join table gives way to a view.
CREATE TABLE IF NOT EXISTS roles (id INTEGER PRIMARY KEY, name TEXT UNIQUE);

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

INSERT INTO role_grants (user_id, role_id, granted, at, id, actor, reason) SELECT user_id, role_id, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER), 'takeover', 'migration', 'taken over from user_roles' FROM user_roles;

DROP TABLE user_roles;
