-- Number the ways to arrive that are new to the site, in an order that says nothing.
INSERT INTO archive.arrivals
WITH known AS (SELECT arrival, digest FROM archive.arrivals WHERE site = $site)
SELECT
    $site, row_number() OVER (ORDER BY digest) + (SELECT coalesce(max(arrival), 0) FROM known),
    * EXCLUDE (arrival)
FROM live.arrivals
SEMI JOIN computed USING (arrival)
ANTI JOIN known USING (digest);
