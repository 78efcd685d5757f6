-- Engagement joins the last earlier pageview of the page it names; without one it is of no page.
INSERT INTO archive.events
WITH engagement AS (
    SELECT p.n, sum(e.engaged_s) AS engaged_s, max(e.scroll) AS scroll
    FROM (SELECT token, path, n, engaged_s, scroll FROM numbered WHERE name = 'engagement') e
    ASOF JOIN (SELECT token, path, n FROM numbered WHERE name = 'pageview') p
        ON e.token = p.token AND e.path = p.path AND e.n > p.n
    GROUP BY p.n
)
SELECT
    site, date, visitor, visit,
    row_number() OVER (PARTITION BY visitor, visit ORDER BY n) AS step,
    hour, name, host, path, interactive,
    coalesce(engagement.engaged_s, 0), coalesce(engagement.scroll, 0),
    props, revenue, currency
FROM numbered
JOIN ordinals USING (token)
JOIN (SELECT island, visit FROM computed) USING (island)
LEFT JOIN engagement USING (n)
WHERE acts
ORDER BY visitor, visit, step;
