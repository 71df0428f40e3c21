-- Reads every exact counter.
SELECT metric, labels, total FROM totals ORDER BY metric, labels
