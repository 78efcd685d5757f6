-- How much of today is held of some tokens. What came before the last loading, a second or two ago;
-- what was erased is gone from both tables by then.
WITH asked AS (
    SELECT
        unnest($sites::INTEGER[]) AS site,
        unnest($dates::DATE[]) AS date,
        unnest($tokens::UBIGINT[]) AS token
),
acts AS (
    SELECT
        site,
        count(*) FILTER (name = 'pageview') AS pageviews,
        count(*) FILTER (name NOT IN ('pageview', 'engagement')) AS actions
    FROM live.events
    SEMI JOIN asked USING (site, date, token)
    GROUP BY site
),
visits AS (
    SELECT site, count(*) AS visits
    FROM live.visits
    SEMI JOIN asked USING (site, date, token)
    GROUP BY site
)
SELECT site, coalesce(visits, 0), pageviews, actions
FROM acts
LEFT JOIN visits USING (site)
ORDER BY site;
