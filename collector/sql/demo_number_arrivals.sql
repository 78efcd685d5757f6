-- Every way to arrive at a site, as demo_number_pages does it.
INSERT INTO archive.arrivals
SELECT $site, row_number() OVER (ORDER BY digest), * EXCLUDE (kind, arrival)
FROM demo_ways
WHERE kind = $kind;
