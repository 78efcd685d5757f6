-- Days of which only some hours count: visits with an action in one of these, and such actions. No
-- action has to be told of which visit it is.
WITH found AS (
    SELECT *
    FROM /*visits*/
    WHERE hours
        & CASE WHEN date = $first THEN 16_777_215::BIGINT << $first_hour ELSE 16_777_215 END
        & CASE WHEN date = $last THEN (2::BIGINT << $last_hour) - 1 ELSE 16_777_215 END > 0
)
SELECT
    /*times*/
    count(*) FILTER (mark = 1) AS visitors,
    count(*) AS visits,
    total(duration_s) AS duration_s,
    count(*) AS entries,
    count(*) FILTER (is_bounce) AS bounces
FROM found
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    count(*) AS visitors
FROM (SELECT DISTINCT date, visitor FROM found WHERE mark > 1)
GROUP BY ALL
UNION ALL BY NAME
SELECT
    /*times*/
    count(*) FILTER (name = 'pageview') AS pageviews,
    count(*) AS events
FROM /*actions*/
WHERE name <> 'engagement' AND /*within_hours*/
GROUP BY ALL
