-- Records that something ran: ?1 its name, ?2 the time, ?3 what it did, as JSON.
INSERT INTO heartbeats AS stored (name, at, detail)
VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail
WHERE stored.at <= excluded.at
