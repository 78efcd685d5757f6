-- The first action of a visitor's day on a page, with a name and in an hour is marked as such: those of
-- before are looked up once for the batch, and stand before it.
INSERT INTO live.events
WITH fresh AS MATERIALIZED (
    SELECT
        b.site, date, hour, at_us, token, name, host, page, arrival, interactive, engaged_s,
        scroll, props, revenue, currency, row_number() OVER () AS n
    FROM batch b
    JOIN live.arrivals a ON b.digest = a.digest
    JOIN live.pages p ON b.site = p.site AND b.path_digest = p.digest
    WHERE kind = 'event'
), acted AS MATERIALIZED (
    SELECT n, site, date, token, page, name, hour FROM fresh WHERE name <> 'engagement'
    UNION ALL
    SELECT 0, e.site, e.date, e.token, e.page, e.name, e.hour
    FROM live.events e
    JOIN touched t ON e.site = t.site AND e.date = t.date AND e.token = t.token
    WHERE e.at_us >= $first_us AND (new_page OR new_name OR new_hour)
)
SELECT
    * EXCLUDE (n),
    n IN (SELECT min(n) FROM acted GROUP BY site, date, token, page) AS new_page,
    n IN (SELECT min(n) FROM acted GROUP BY site, date, token, name) AS new_name,
    n IN (SELECT min(n) FROM acted GROUP BY site, date, token, hour) AS new_hour
FROM fresh;
