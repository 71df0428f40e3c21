-- audit is append only and a chain: refuses any change of a row, and a row that does not continue
-- the last one. Two writers may have read the same head: the second one must read it again.
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit is append only');
END;

CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'audit is append only');
END;

CREATE TRIGGER audit_continues_the_chain BEFORE INSERT ON audit
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
  OR NEW.prev <> coalesce((SELECT hash FROM audit WHERE seq = NEW.seq - 1), '')
BEGIN
  SELECT RAISE(ABORT, 'the head of the audit trail has moved');
END;
