-- Which numbers ways to arrive have in the live store, and in the archive. A table of its own: of what
-- was filled in the same transaction DuckDB expects no rows, and in one join of three it would
-- compare each visit with each way to arrive.
CREATE OR REPLACE TEMP TABLE day_arrivals AS
SELECT l.arrival AS live_arrival, a.arrival
FROM (SELECT arrival, digest FROM live.arrivals SEMI JOIN computed USING (arrival)) l
JOIN (SELECT arrival, digest FROM archive.arrivals WHERE site = $site) a USING (digest);
