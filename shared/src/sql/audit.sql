-- Appends an entry to the audit trail. A trigger refuses one that does not continue the chain.
INSERT INTO audit (id, at, actor, action, target, detail, seq, prev, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
