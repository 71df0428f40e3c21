-- What of a delivery was left out, in words without any of its values. Empty when nothing was.
ALTER TABLE deliveries ADD COLUMN note TEXT NOT NULL DEFAULT '';
