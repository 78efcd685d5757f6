-- Whole visits by what is true of all of each: fastest, since their events are not read.
SELECT
    date,
    /*visit_keys*/
    count(DISTINCT visitor) AS visitors,
    count(*) AS visits,
    sum(pageviews) AS pageviews,
    sum(events) AS events,
    sum(duration_s) AS duration_s,
    count(*) AS entries,
    count(*) FILTER (is_bounce) AS bounces,
    0 AS readings,
    0 AS engaged_s,
    0 AS scroll
FROM visits
WHERE site = $site AND date BETWEEN $since AND $until AND /*where*/
GROUP BY ALL
