-- Found visits by the numbers of what is asked for, whose words sums_of_visits looks up. To add up is
-- faster than to count with a filter.
SELECT
    /*times*/
    /*numbers*/
    /*visitors*/
    count(*) AS visits,
    total(pageviews) AS pageviews,
    total(events) AS events,
    total(duration_s) AS duration_s,
    total(enters) AS entries,
    total(enters AND is_bounce) AS bounces
FROM found
GROUP BY ALL
