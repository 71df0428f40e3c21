-- Begins run ?1 of the canary, which gives the role ?2, if the newest run is still ?3 (0: none).
INSERT INTO canary_runs (began_at, role)
SELECT ?1, ?2
WHERE coalesce((SELECT max(began_at) FROM canary_runs), 0) = ?3
RETURNING began_at
