-- organizations: bumps its members when it is deleted or comes back. An organization that was never
-- heard of counts as live, so a first live row bumps nobody.
CREATE TRIGGER bump_organizations_insert AFTER INSERT ON organizations
WHEN NEW.deleted = 1
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member WHERE member.org_id IN (NEW.id)
  );
END;

CREATE TRIGGER bump_organizations_update AFTER UPDATE ON organizations
WHEN OLD.deleted <> NEW.deleted OR (OLD.id <> NEW.id AND NEW.deleted = 1)
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member
    WHERE member.org_id IN (OLD.id, NEW.id)
  );
END;

CREATE TRIGGER bump_organizations_delete AFTER DELETE ON organizations
WHEN OLD.deleted = 1
BEGIN
  UPDATE watches SET version = max(version + 1, (SELECT now_ms FROM rolecall_clock))
  WHERE user_id IN (
    SELECT member.user_id FROM current_memberships AS member WHERE member.org_id IN (OLD.id)
  );
END;
