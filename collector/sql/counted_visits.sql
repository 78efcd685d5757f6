-- Found visits by the numbers of what is asked for, whose words sums_of_visits looks up.
SELECT
    /*times*/
    /*numbers*/
    /*visitors*/
    count(*) AS visits,
    total(pageviews) AS pageviews,
    total(events) AS events,
    total(duration_s) AS duration_s,
    count(*) FILTER (enters) AS entries,
    count(*) FILTER (enters AND is_bounce) AS bounces
FROM found
GROUP BY ALL
