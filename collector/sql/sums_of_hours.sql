-- Unsealed days by hour: visits by when they began, all else by when it happened. No action has to
-- be told of which visit it is.
/*came*/
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
