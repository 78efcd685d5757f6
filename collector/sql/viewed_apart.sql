UNION ALL BY NAME
SELECT
    /*times*/
    'pageview' AS /*key*/,
    count(*) AS visitors
FROM (
    SELECT DISTINCT date, visitor
    FROM (
        FROM archive.visits
        WHERE site = $site AND date BETWEEN $first AND $last AND view_mark > 1
            AND NOT /*once*/
    )
    /*arriving*/
)
GROUP BY ALL
HAVING count(*) > 0
