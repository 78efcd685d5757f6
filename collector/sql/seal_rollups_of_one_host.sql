-- By host, where there is only one: everything, and all that was read.
INSERT INTO rolled
SELECT
    'host', any_value(host), total(visitors), total(visits), total(pageviews), total(events),
    total(duration_s), total(entries), total(bounces), total(readings), total(engaged_s),
    total(scroll)
FROM (
    SELECT * REPLACE (0 AS readings, 0 AS engaged_s, 0 AS scroll)
    FROM rolled
    WHERE dimension = 'total'
    UNION ALL BY NAME
    SELECT
        dimension, value, 0 AS visitors, 0 AS visits, 0 AS pageviews, 0 AS events, 0 AS duration_s,
        0 AS entries, 0 AS bounces, readings, engaged_s, scroll
    FROM rolled
    WHERE dimension = 'name' AND value = 'pageview'
)
CROSS JOIN day_hosts
HAVING count(*) > 0;
