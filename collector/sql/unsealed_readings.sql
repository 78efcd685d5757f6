-- Pageviews and custom events of days that are not sealed, with the engagement that followed each
-- pageview: it joins the last earlier pageview of the page it names, as in seal_readings.
WITH unsealed AS (
    SELECT *, rowid AS line FROM live.events
    WHERE site = $site AND date BETWEEN $since AND $until
      AND date NOT IN (/*sealed_between*/)
), readings AS (
    SELECT p.line, sum(e.engaged_s) AS engaged_s, max(e.scroll) AS scroll
    FROM (FROM unsealed WHERE name = 'engagement') e
    ASOF JOIN (FROM unsealed WHERE name = 'pageview') p
        ON e.date = p.date AND e.token = p.token AND e.page = p.page AND e.at_us > p.at_us
    GROUP BY p.line
)
SELECT
    site, date, token, hour, at_us, name, host, page, props,
    coalesce(r.engaged_s, 0) AS engaged_s, coalesce(r.scroll, 0) AS scroll
FROM unsealed
LEFT JOIN readings r USING (line)
WHERE name <> 'engagement';
