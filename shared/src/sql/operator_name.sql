-- Keeps the name ?2 of the actor ?1, seen at ?3.
INSERT INTO operator_names (actor, name, seen_at) VALUES (?1, ?2, ?3)
ON CONFLICT (actor) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
