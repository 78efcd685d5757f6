-- The sums of the name that most actions have: those of visits with a pageview, by the marks of it.
-- Without a date nothing groups them, and no visit at all would be a row of nothing.
SELECT
    /*times*/
    'pageview' AS /*key*/,
    total(CASE WHEN /*once*/ THEN visits END) AS visitors,
    total(visits) AS visits,
    total(pageviews) AS pageviews,
    total(pageviews) AS events
FROM (
    FROM archive.arrival_rollups
    WHERE site = $site AND date BETWEEN $first AND $last AND view_mark > 0
)
/*arriving*/
GROUP BY ALL
HAVING count(*) > 0
/*viewed_apart*/
