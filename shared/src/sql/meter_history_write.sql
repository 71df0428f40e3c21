-- The totals ?2 of the charts when minute ?1 began.
INSERT INTO history (at, series) VALUES (?1, ?2) ON CONFLICT (at) DO NOTHING
