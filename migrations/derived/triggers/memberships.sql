-- memberships: bumps the users of a membership that counts before the write or after it. The own
-- list of permissions matters only while it speaks for the role. Then the pair's rank rises and the
-- own list is indexed. The row is written before the rank: else an update would leave it below its
-- own rank for a moment.
CREATE TRIGGER bump_memberships_insert AFTER INSERT ON memberships
WHEN NEW.deleted = 0
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id = NEW.user_id
    AND EXISTS (SELECT 1 FROM current_memberships AS member WHERE member.id = NEW.id);
  INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest)
  VALUES (
    NEW.org_id,
    NEW.user_id,
    NEW.updated_at,
    NEW.event_at,
    NEW.projection,
    NEW.digest
  )
  ON CONFLICT (org_id, user_id) DO UPDATE SET
    updated_at = excluded.updated_at,
    event_at = excluded.event_at,
    projection = excluded.projection,
    digest = excluded.digest
  WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
    > (
      membership_pairs.updated_at,
      membership_pairs.event_at,
      membership_pairs.projection,
      membership_pairs.digest
    );
  INSERT INTO listed_permissions (permission, role)
  SELECT DISTINCT entry.value, NEW.role
  FROM json_each(NEW.permissions) AS entry
  WHERE entry.type = 'text'
  ON CONFLICT (permission, role) DO NOTHING;
END;

CREATE TRIGGER bump_memberships_update AFTER UPDATE ON memberships
WHEN (
    OLD.id,
    OLD.org_id,
    OLD.user_id,
    OLD.role,
    OLD.permissions,
    OLD.deleted,
    OLD.updated_at,
    OLD.event_at,
    OLD.projection,
    OLD.digest
  ) <> (
    NEW.id,
    NEW.org_id,
    NEW.user_id,
    NEW.role,
    NEW.permissions,
    NEW.deleted,
    NEW.updated_at,
    NEW.event_at,
    NEW.projection,
    NEW.digest
  )
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (OLD.user_id, NEW.user_id)
    AND iif(
      -- It counts before and after: only what it gives can differ.
      (
        OLD.deleted = 0
        AND NOT EXISTS (
          SELECT 1 FROM membership_pairs AS pair
          WHERE pair.org_id = OLD.org_id
            AND pair.user_id = OLD.user_id
            AND (pair.updated_at, pair.event_at, pair.projection, pair.digest)
              > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)
        )
      )
      AND EXISTS (SELECT 1 FROM current_memberships AS member WHERE member.id = NEW.id),
      OLD.user_id <> NEW.user_id
      OR OLD.org_id <> NEW.org_id
      OR OLD.role <> NEW.role
      OR (
        OLD.permissions <> NEW.permissions
        AND NOT EXISTS (
          SELECT 1 FROM org_roles AS role WHERE role.deleted = 0 AND role.key = NEW.role
        )
        AND NOT EXISTS (SELECT 1 FROM org_role_keys AS known WHERE known.key = NEW.role)
      ),
      -- It counts only before, or only after, or never.
      (
        user_id = OLD.user_id
        AND (
          OLD.deleted = 0
          AND NOT EXISTS (
            SELECT 1 FROM membership_pairs AS pair
            WHERE pair.org_id = OLD.org_id
              AND pair.user_id = OLD.user_id
              AND (pair.updated_at, pair.event_at, pair.projection, pair.digest)
                > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)
          )
        )
      )
      OR (
        user_id = NEW.user_id
        AND EXISTS (SELECT 1 FROM current_memberships AS member WHERE member.id = NEW.id)
      )
    );
  INSERT INTO membership_pairs (org_id, user_id, updated_at, event_at, projection, digest)
  SELECT
    NEW.org_id,
    NEW.user_id,
    NEW.updated_at,
    NEW.event_at,
    NEW.projection,
    NEW.digest
  WHERE NEW.deleted = 0
  ON CONFLICT (org_id, user_id) DO UPDATE SET
    updated_at = excluded.updated_at,
    event_at = excluded.event_at,
    projection = excluded.projection,
    digest = excluded.digest
  WHERE (excluded.updated_at, excluded.event_at, excluded.projection, excluded.digest)
    > (
      membership_pairs.updated_at,
      membership_pairs.event_at,
      membership_pairs.projection,
      membership_pairs.digest
    );
  INSERT INTO listed_permissions (permission, role)
  SELECT DISTINCT entry.value, NEW.role
  FROM json_each(NEW.permissions) AS entry
  WHERE NEW.deleted = 0 AND entry.type = 'text'
  ON CONFLICT (permission, role) DO NOTHING;
END;

CREATE TRIGGER bump_memberships_delete AFTER DELETE ON memberships
WHEN OLD.deleted = 0
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id = OLD.user_id
    AND NOT EXISTS (
      SELECT 1 FROM membership_pairs AS pair
      WHERE pair.org_id = OLD.org_id
        AND pair.user_id = OLD.user_id
        AND (pair.updated_at, pair.event_at, pair.projection, pair.digest)
          > (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)
    );
END;
