-- membership_pairs: bumps the pair's user when a live membership begins or ceases to count.
-- The plus keeps SQLite off the index by organization: a user has few memberships, an organization
-- may have very many.
CREATE TRIGGER bump_membership_pairs_insert AFTER INSERT ON membership_pairs
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM memberships AS member
    WHERE member.deleted = 0
      AND member.user_id = NEW.user_id
      AND +member.org_id = NEW.org_id
      AND (member.updated_at, member.event_at, member.projection, member.digest)
        < (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest)
  );
END;

CREATE TRIGGER bump_membership_pairs_update AFTER UPDATE ON membership_pairs
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM memberships AS member
    WHERE member.deleted = 0
      AND member.user_id IN (OLD.user_id, NEW.user_id)
      AND (
        member.org_id = OLD.org_id
        AND member.user_id = OLD.user_id
        AND (member.updated_at, member.event_at, member.projection, member.digest)
          < (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)
      ) <> (
        member.org_id = NEW.org_id
        AND member.user_id = NEW.user_id
        AND (member.updated_at, member.event_at, member.projection, member.digest)
          < (NEW.updated_at, NEW.event_at, NEW.projection, NEW.digest)
      )
  );
END;

CREATE TRIGGER bump_membership_pairs_delete AFTER DELETE ON membership_pairs
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM memberships AS member
    WHERE member.deleted = 0
      AND member.user_id = OLD.user_id
      AND +member.org_id = OLD.org_id
      AND (member.updated_at, member.event_at, member.projection, member.digest)
        < (OLD.updated_at, OLD.event_at, OLD.projection, OLD.digest)
  );
END;
