-- One pair, one membership: Clerk has at most one membership for a pair of organization and user. For
-- each pair the greatest rank ever heard of a live membership, won or refused. It only rises, so in
-- whatever order things are heard it ends the same, and a membership below it is one that was left:
-- it does not count, though the delete that says so be lost.
CREATE TABLE membership_pairs (
  org_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  event_at INTEGER NOT NULL,
  projection INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (org_id, user_id)
) STRICT, WITHOUT ROWID;

-- The live memberships that count in their pair.
CREATE VIEW current_memberships AS
SELECT m.id AS id, m.org_id AS org_id, m.user_id AS user_id, m.role AS role, m.permissions AS permissions
FROM memberships m
WHERE m.deleted = 0 AND NOT EXISTS (
  SELECT 1 FROM membership_pairs p
  WHERE p.org_id = m.org_id AND p.user_id = m.user_id
    AND (p.updated_at, p.event_at, p.projection, p.digest) > (m.updated_at, m.event_at, m.projection, m.digest)
);

-- membership_pairs: the pair's user, when a live membership counts that did not, or no more counts.
-- The plus keeps it off the index by organization: a user has few memberships, an organization many.
CREATE TRIGGER bump_membership_pairs_insert AFTER INSERT ON membership_pairs BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM memberships m WHERE m.deleted = 0 AND m.user_id = NEW.user_id AND +m.org_id = NEW.org_id AND (m.updated_at, m.event_at, m.projection, m.digest) < (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest)); END;
CREATE TRIGGER bump_membership_pairs_update AFTER UPDATE ON membership_pairs BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM memberships m WHERE m.deleted = 0 AND m.user_id IN (OLD.user_id, NEW.user_id) AND (m.org_id = OLD.org_id AND m.user_id = OLD.user_id AND (m.updated_at, m.event_at, m.projection, m.digest) < (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)) <> (m.org_id = NEW.org_id AND m.user_id = NEW.user_id AND (m.updated_at, m.event_at, m.projection, m.digest) < (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest))); END;
CREATE TRIGGER bump_membership_pairs_delete AFTER DELETE ON membership_pairs BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM memberships m WHERE m.deleted = 0 AND m.user_id = OLD.user_id AND +m.org_id = OLD.org_id AND (m.updated_at, m.event_at, m.projection, m.digest) < (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)); END;

-- Filled behind its triggers: whoever loses an old membership by it is bumped.
INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest)
SELECT m.org_id, m.user_id, m.updated_at, m.event_at, m.projection, m.digest FROM memberships m WHERE m.deleted = 0
ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest);

-- memberships: as before, for those that count, before the write or after it. Then the pair's rank
-- rises: the row is written first, or an update would leave it below its own rank.
DROP TRIGGER bump_memberships_insert;
DROP TRIGGER bump_memberships_update;
DROP TRIGGER bump_memberships_delete;
CREATE TRIGGER bump_memberships_insert AFTER INSERT ON memberships WHEN NEW.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id = NEW.user_id AND EXISTS (SELECT 1 FROM current_memberships m WHERE m.id = NEW.id); INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest) VALUES (NEW.org_id, NEW.user_id, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest); END;
CREATE TRIGGER bump_memberships_update AFTER UPDATE ON memberships WHEN (OLD.id, OLD.org_id, OLD.user_id, OLD.role, OLD.permissions, OLD.deleted, OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest) <> (NEW.id, NEW.org_id, NEW.user_id, NEW.role, NEW.permissions, NEW.deleted, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest) BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (OLD.user_id, NEW.user_id) AND iif((OLD.deleted = 0 AND NOT EXISTS (SELECT 1 FROM membership_pairs p WHERE p.org_id = OLD.org_id AND p.user_id = OLD.user_id AND (p.updated_at, p.event_at, p.projection, p.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest))) AND EXISTS (SELECT 1 FROM current_memberships m WHERE m.id = NEW.id), OLD.user_id <> NEW.user_id OR OLD.org_id <> NEW.org_id OR OLD.role <> NEW.role OR (OLD.permissions <> NEW.permissions AND EXISTS (SELECT 1 FROM catalogue_gap) AND NOT EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = NEW.role)), (user_id = OLD.user_id AND (OLD.deleted = 0 AND NOT EXISTS (SELECT 1 FROM membership_pairs p WHERE p.org_id = OLD.org_id AND p.user_id = OLD.user_id AND (p.updated_at, p.event_at, p.projection, p.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)))) OR (user_id = NEW.user_id AND EXISTS (SELECT 1 FROM current_memberships m WHERE m.id = NEW.id))); INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest) SELECT NEW.org_id, NEW.user_id, NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest WHERE NEW.deleted = 0 ON CONFLICT (org_id, user_id) DO UPDATE SET updated_at = excluded.updated_at, event_at = excluded.event_at, projection = excluded.projection, digest = excluded.digest WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest) > (membership_pairs.updated_at, membership_pairs.event_at, membership_pairs.projection, membership_pairs.digest); END;
CREATE TRIGGER bump_memberships_delete AFTER DELETE ON memberships WHEN OLD.deleted = 0 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id = OLD.user_id AND NOT EXISTS (SELECT 1 FROM membership_pairs p WHERE p.org_id = OLD.org_id AND p.user_id = OLD.user_id AND (p.updated_at, p.event_at, p.projection, p.digest) > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)); END;

-- organizations: whose membership there counts.
DROP TRIGGER bump_organizations_insert;
DROP TRIGGER bump_organizations_update;
DROP TRIGGER bump_organizations_delete;
CREATE TRIGGER bump_organizations_insert AFTER INSERT ON organizations WHEN NEW.deleted = 1 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.org_id IN (NEW.id)); END;
CREATE TRIGGER bump_organizations_update AFTER UPDATE ON organizations WHEN OLD.deleted <> NEW.deleted OR (OLD.id <> NEW.id AND NEW.deleted = 1) BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.org_id IN (OLD.id, NEW.id)); END;
CREATE TRIGGER bump_organizations_delete AFTER DELETE ON organizations WHEN OLD.deleted = 1 BEGIN UPDATE watches SET version = max(version + 1, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE user_id IN (SELECT m.user_id FROM current_memberships m WHERE m.org_id IN (OLD.id)); END;

DROP VIEW org_memberships;

CREATE VIEW org_memberships AS
SELECT m.user_id AS user_id, m.org_id AS org_id, m.role AS role,
  iif(
    EXISTS (SELECT 1 FROM org_roles k WHERE k.deleted = 0 AND k.key = m.role),
    (
      SELECT json_group_array(coalesce(p.key, c.key))
      FROM org_role_catalogue r
      JOIN role_permissions c ON c.role_id = r.id
      LEFT JOIN org_permissions p ON p.id = c.id
      WHERE r.key = m.role AND coalesce(p.deleted, 0) = 0
    ),
    (
      SELECT json_group_array(j.value)
      FROM catalogue_gap
      JOIN json_each(m.permissions) j
      WHERE j.type = 'text'
    )
  ) AS permissions
FROM current_memberships m
WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = m.org_id AND o.deleted = 1)
  AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = m.user_id AND (u.deleted = 1 OR u.banned = 1));
