-- Unsealed days by page: numbers are counted, and their paths looked up then.
SELECT
    /*times*/
    path AS /*key*/,
    visitors, pageviews, events
FROM (
    SELECT
        /*times*/
        page,
        count(*) FILTER (new_page) AS visitors,
        count(*) FILTER (name = 'pageview') AS pageviews,
        count(*) AS events
    FROM /*events*/
    WHERE name <> 'engagement'
    GROUP BY ALL
)
JOIN /*pages*/ USING (page)
