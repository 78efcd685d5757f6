-- How long and how far each pageview was read. Engagement joins the last earlier pageview of the
-- page it names; without one it is of no page.
CREATE OR REPLACE TEMP TABLE readings AS
SELECT p.n, sum(e.engaged_s) AS engaged_s, max(e.scroll) AS scroll, count(*) AS parts
FROM (SELECT token, path, n, engaged_s, scroll FROM numbered WHERE name = 'engagement') e
ASOF JOIN (SELECT token, path, n FROM numbered WHERE name = 'pageview') p
    ON e.token = p.token AND e.path = p.path AND e.n > p.n
GROUP BY p.n;
