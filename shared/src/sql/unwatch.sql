-- Ends one user's watch if this owner still holds it.
DELETE FROM watches
WHERE user_id = ?1 AND owner = ?2
