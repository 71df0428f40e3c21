-- Reads the last deliveries about one id, the newest first.
SELECT json_object(
  'svix_id',
  svix_id,
  'type',
  type,
  'subject',
  subject,
  'outcome',
  outcome,
  'event_at',
  event_at,
  'attempted_at',
  attempted_at,
  'received_at',
  received_at,
  'applied_at',
  applied_at,
  'batch',
  batch,
  'copies',
  copies,
  'id_reused',
  json(iif(id_reused, 'true', 'false')),
  'note',
  note
) AS json
FROM deliveries
WHERE subject = ?1
ORDER BY applied_at DESC, svix_id DESC
LIMIT 20
