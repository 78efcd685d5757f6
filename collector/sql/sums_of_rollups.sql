-- Sealed days, summed up when they were sealed.
SELECT
    /*times*/
    /*rolled_key*/
    visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s, scroll
FROM archive.rollups
WHERE site = $site AND date BETWEEN $first AND $last AND dimension = $rolled
