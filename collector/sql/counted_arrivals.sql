-- As counted_visits, of the sums by arrival of sealed days.
SELECT
    /*times*/
    /*numbers*/
    /*visitors*/
    total(visits) AS visits,
    total(pageviews) AS pageviews,
    total(events) AS events,
    total(duration_s) AS duration_s,
    total(visits) AS entries,
    total(bounces) AS bounces
FROM (FROM archive.arrival_rollups WHERE site = $site AND date BETWEEN $first AND $last)
/*arriving*/
GROUP BY ALL
