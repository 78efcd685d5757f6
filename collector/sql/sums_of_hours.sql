-- Unsealed days by hour: visits by when they began, all else by when it happened. No action has to
-- be told of which visit it is.
WITH acted AS (
    SELECT date, hours FROM /*visits*/ WHERE mark = 1
    UNION ALL
    SELECT date, bit_or(hours) FROM /*visits*/ WHERE mark > 1 GROUP BY date, visitor
), counted AS (
    SELECT date, hours, count(*) AS visitors FROM acted GROUP BY ALL
)
SELECT
    /*times*/
    hour AS /*key*/,
    total(visitors) AS visitors
FROM counted
JOIN (SELECT unnest(range(24))::INTEGER AS hour) ON hours & (1 << hour) > 0
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    hour AS /*key*/,
    count(*) FILTER (name = 'pageview') AS pageviews,
    count(*) AS events
FROM /*events*/
WHERE name <> 'engagement'
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    hour AS /*key*/,
    count(*) AS visits,
    total(duration_s) AS duration_s,
    count(*) AS entries,
    count(*) FILTER (is_bounce) AS bounces
FROM /*visits*/
GROUP BY ALL
