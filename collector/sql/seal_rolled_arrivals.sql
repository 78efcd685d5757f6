-- Sums by arrival, of one share of the day's visitors after the other.
CREATE OR REPLACE TEMP TABLE rolled_arrivals AS
SELECT * EXCLUDE (site, date) FROM archive.arrival_rollups WITH NO DATA;
