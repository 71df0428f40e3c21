-- Reads the newest migration that `wrangler d1 migrations apply` has recorded.
SELECT name FROM d1_migrations ORDER BY name DESC LIMIT 1
