-- Engagement with a page the visitor did not open on this day: it came too late for its own.
INSERT INTO archive.drops
SELECT e.site, e.date, 'late', count(*)
FROM (SELECT site, date, token, path, n FROM numbered WHERE name = 'engagement') e
ASOF LEFT JOIN (SELECT token, path, n FROM numbered WHERE name = 'pageview') p
    ON e.token = p.token AND e.path = p.path AND e.n > p.n
WHERE p.n IS NULL
GROUP BY e.site, e.date;
