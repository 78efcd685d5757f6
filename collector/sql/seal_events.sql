-- Engagement joins the last earlier pageview of the page it names; without one it is of no page.
INSERT INTO archive.events
WITH engagement AS (
    SELECT p.token, p.n, sum(e.engaged_s) AS engaged_s, max(e.scroll) AS scroll
    FROM (
        SELECT token, path, n, engaged_s, scroll
        FROM numbered JOIN (SELECT event, engaged_s, scroll FROM considered) USING (event)
        WHERE name = 'engagement'
    ) e
    ASOF JOIN (SELECT token, path, n FROM numbered WHERE name = 'pageview') p
        ON e.token = p.token AND e.path = p.path AND e.n > p.n
    GROUP BY p.token, p.n
)
SELECT
    o.site, o.date, visitor, visit,
    row_number() OVER (PARTITION BY visitor, visit ORDER BY n) AS step,
    f.hour, o.name, f.host, o.path, o.interactive,
    coalesce(engagement.engaged_s, 0), coalesce(engagement.scroll, 0),
    f.props, f.revenue, f.currency
FROM numbered o
JOIN ordinals USING (token)
JOIN (SELECT token, island, visit FROM computed) USING (token, island)
JOIN considered f USING (event)
LEFT JOIN engagement USING (token, n)
WHERE o.name <> 'engagement'
ORDER BY visitor, visit, step;
