-- A delivery as one JSON text. The files that choose deliveries go on from here.
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
