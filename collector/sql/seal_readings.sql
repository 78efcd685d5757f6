-- How long and how far each pageview was read. Engagement joins the last earlier pageview of the
-- page it names; without one it is of no page.
CREATE OR REPLACE TEMP TABLE readings AS
SELECT p.n, total(e.engaged_s) AS engaged_s, max(e.scroll) AS scroll, count(*) AS parts
FROM (SELECT visitor, page, n, engaged_s, scroll FROM numbered WHERE NOT acts) e
ASOF JOIN (SELECT visitor, page, n FROM numbered WHERE is_view) p
    ON e.visitor = p.visitor AND e.page = p.page AND e.n > p.n
GROUP BY p.n;
