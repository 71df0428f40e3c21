DELETE FROM watches WHERE user_id = ?1 AND owner = ?2
