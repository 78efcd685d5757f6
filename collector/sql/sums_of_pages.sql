-- Unsealed days by page: numbers are counted, and their paths looked up then.
SELECT
    /*times*/
    path AS /*key*/,
    visitors, pageviews, events
FROM (
    SELECT
        /*times*/
        page,
        count(*) AS visitors,
        total(pageviews) AS pageviews,
        total(events) AS events
    FROM (
        SELECT
            date, token, page,
            count(*) FILTER (name = 'pageview') AS pageviews,
            count(*) AS events
        FROM /*events*/
        WHERE name <> 'engagement'
        GROUP BY ALL
    )
    GROUP BY ALL
)
JOIN /*pages*/ USING (page)
