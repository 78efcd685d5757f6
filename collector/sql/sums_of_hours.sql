-- Unsealed days by hour: visits by when they began, all else by when it happened. No action has to
-- be told of which visit it is.
WITH acted AS (
    SELECT date, visitor, name, hour AS /*key*/ FROM /*actions*/
)
SELECT
    /*times*/
    /*key*/,
    count(*) FILTER (name = 'pageview') AS pageviews,
    count(*) AS events
FROM acted
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    /*key*/,
    count(*) AS visitors
FROM (SELECT DISTINCT date, visitor, /*key*/ FROM acted)
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
