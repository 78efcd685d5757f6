-- Unsealed days by hour: visits by when they began, all else by when it happened. No action has to
-- be told of which visit it is.
SELECT
    /*times*/
    hour AS /*key*/,
    total(CASE WHEN new_hour THEN events ELSE 0 END) AS visitors,
    total(CASE WHEN name = 'pageview' THEN events ELSE 0 END) AS pageviews,
    total(events) AS events
FROM /*actions*/
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
