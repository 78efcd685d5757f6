-- Unsealed days by name: nearly all events are pageviews, and who had any is told by the visits.
WITH viewed AS (SELECT date, visitor, mark FROM /*visits*/ WHERE pageviews > 0)
SELECT
    /*times*/
    name AS /*key*/,
    count(*) FILTER (name = 'pageview') AS pageviews,
    count(*) AS events
FROM /*events*/
WHERE name <> 'engagement'
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    'pageview' AS /*key*/,
    count(*) AS visitors
FROM (
    SELECT date FROM viewed WHERE mark = 1
    UNION ALL
    SELECT date FROM (SELECT DISTINCT date, visitor FROM viewed WHERE mark > 1)
)
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    name AS /*key*/,
    count(*) AS visitors
FROM (SELECT DISTINCT date, token, name FROM /*events*/ WHERE name NOT IN ('pageview', 'engagement'))
GROUP BY ALL
