-- Unsealed days by name.
SELECT
    /*times*/
    name AS /*key*/,
    total(CASE WHEN new_name THEN events ELSE 0 END) AS visitors,
    total(CASE WHEN name = 'pageview' THEN events ELSE 0 END) AS pageviews,
    total(events) AS events
FROM /*actions*/
GROUP BY ALL
