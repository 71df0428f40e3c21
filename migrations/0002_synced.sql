-- What Clerk says, one row per id, by the merge law: a delete is absorbing, else the greater
-- (updated_at, event_at, projection, digest) stays. A NULL among those would make SQLite's
-- row-value comparison NULL and skip the update, so none of them can be NULL. A deleted row is
-- blank: two deletes of one id are the same bytes, and nothing personal outlives the user.
-- Times are milliseconds. No foreign keys: a membership may arrive before its user.
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT,
  banned INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
  app_roles TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(app_roles) AND json_type(app_roles) = 'array'),
  created_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Whom the tutorial's database gave a role lives, at the least rank there is: their guard goes on
-- letting them pass, and the first thing that Clerk says of them outranks it.
INSERT INTO users (id, deleted, updated_at, event_at, projection, digest) SELECT DISTINCT user_id, 0, 0, 0, 0, '' FROM role_grants;

CREATE TABLE organizations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL DEFAULT '',
  slug TEXT,
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keyed by Clerk's own membership id, never by the pair: a member who returns gets a new one.
CREATE TABLE memberships (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL DEFAULT '',
  user_id TEXT NOT NULL DEFAULT '',
  role TEXT NOT NULL DEFAULT '',
  permissions TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(permissions) AND json_type(permissions) = 'array'),
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Only the living are looked up by user or by organization.
CREATE INDEX memberships_by_user ON memberships (user_id) WHERE deleted = 0;
CREATE INDEX memberships_by_org ON memberships (org_id) WHERE deleted = 0;

-- The role catalogue. permissions: [{"id":"perm_…","key":"org:…"}], where the key stands in until
-- the permission's own row is known.
CREATE TABLE org_roles (
  id TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL DEFAULT '',
  permissions TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(permissions) AND json_type(permissions) = 'array'),
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE org_permissions (
  id TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL DEFAULT '',
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- default_role: the app role of every live user, from DEFAULT_ROLE.
-- catalogue_complete: '1' once every role and permission has been read from Clerk.
CREATE TABLE settings (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
