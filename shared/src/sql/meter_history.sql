-- The totals at each time of the JSON list ?1: those of the first row that is not older.
SELECT (
  SELECT series FROM history WHERE at >= bound.value ORDER BY at LIMIT 1
) AS series
FROM json_each(?1) AS bound
ORDER BY bound.key
