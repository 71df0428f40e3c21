-- The present millisecond. A version rises to it, or by one if it is there already.
CREATE VIEW rolecall_clock AS
SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now_ms;
