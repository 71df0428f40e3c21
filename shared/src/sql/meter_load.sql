-- All kept rows.
SELECT key, value FROM kept
