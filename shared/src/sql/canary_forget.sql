-- Removes the canary's runs that began before ?1.
DELETE FROM canary_runs WHERE began_at < ?1
