-- Tables of what Clerk says, of what is remembered beside it, and the settings.
--
-- The five synced tables have one row per id, by the merge law: a delete is absorbing, else the
-- greater rank (updated_at, event_at, projection, digest) stays. A NULL in a rank would make
-- SQLite's row-value comparison NULL and skip the update, so none of its columns can be NULL. A
-- deleted row is blank: two deletes of one id are the same bytes, and nothing personal outlives the
-- user. Times are milliseconds. There are no foreign keys: a membership may arrive before its user.
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  email TEXT,
  banned INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
  app_roles TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(app_roles) AND json_type(app_roles) = 'array'),
  created_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Users who have a role in the tutorial's database live, at the least rank there is. So the guard
-- goes on letting them pass, and the first thing that Clerk says of them outranks the row.
INSERT INTO users (id, deleted, updated_at, event_at, projection, digest)
SELECT DISTINCT user_id, 0, 0, 0, 0, '' FROM role_grants;

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

-- Keyed by Clerk's own membership id, never by the pair: a member who returns gets a new id.
CREATE TABLE memberships (
  id TEXT NOT NULL PRIMARY KEY,
  org_id TEXT NOT NULL DEFAULT '',
  user_id TEXT NOT NULL DEFAULT '',
  role TEXT NOT NULL DEFAULT '',
  permissions TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(permissions) AND json_type(permissions) = 'array'),
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Only live memberships are looked up by user, by organization or by role.
CREATE INDEX memberships_by_user ON memberships (user_id) WHERE deleted = 0;
CREATE INDEX memberships_by_org ON memberships (org_id) WHERE deleted = 0;
CREATE INDEX memberships_by_role ON memberships (role) WHERE deleted = 0;

-- The role catalogue. permissions: [{"id":"perm_…","key":"org:…"}], where the key stands in until
-- the permission's own row is known.
CREATE TABLE org_roles (
  id TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL DEFAULT '',
  permissions TEXT NOT NULL DEFAULT '[]'
    CHECK (json_valid(permissions) AND json_type(permissions) = 'array'),
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX org_roles_by_key ON org_roles (key) WHERE deleted = 0;

CREATE TABLE org_permissions (
  id TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL DEFAULT '',
  deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX org_permissions_by_key ON org_permissions (key) WHERE deleted = 0;

-- For each organization and user, the greatest rank ever heard of a live membership of the two, won
-- or refused. Clerk has at most one membership for a pair, so a membership below this rank is one
-- that the user left: it does not count, even if the delete that says so is lost. The rank only
-- rises, so the result is the same in whatever order things are heard.
CREATE TABLE membership_pairs (
  org_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (org_id, user_id)
) STRICT, WITHOUT ROWID;

-- The keys of every live state that was heard of a role or a permission, won or refused. A role key
-- that is here and that no live role has was deleted or renamed: the members' own lists no longer
-- speak for it. A permission key that is here and that no live permission has is retired: it is
-- left out of every list. Both tables only grow.
CREATE TABLE org_role_keys (key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE org_permission_keys (key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;

-- An index that triggers keep: the permissions that a live membership of a role has ever listed
-- itself. Finds who is touched by a change of a permission.
CREATE TABLE listed_permissions (
  permission TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (permission, role)
) STRICT, WITHOUT ROWID;

-- An index that triggers keep: which live users have which app role by their metadata.
CREATE TABLE user_app_roles (
  role TEXT NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (role, user_id)
) STRICT, WITHOUT ROWID;

-- default_role: the app role of every live user, from the variable DEFAULT_ROLE.
CREATE TABLE settings (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
