-- The replays that have steps before them, those that waited longest first. A paused one has none.
SELECT id
FROM replays INDEXED BY replays_open
WHERE is_open = 1 AND state <> 'paused'
ORDER BY updated_at
LIMIT 50
