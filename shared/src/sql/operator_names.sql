-- Reads the names of the actors in the JSON list ?1.
SELECT actor, name FROM operator_names WHERE actor IN (SELECT value FROM json_each(?1))
