-- As unsealed_actions, with the engagement that followed each pageview: it joins the last earlier
-- pageview of the page it names, as in seal_events.
WITH unsealed AS (
    SELECT rowid AS line, site, date, token, hour, at_us, name, host, path, props, engaged_s, scroll
    FROM live.events u
    WHERE site = $site AND date BETWEEN $first AND $last
      AND NOT EXISTS (FROM archive.sealed s WHERE s.site = u.site AND s.date = u.date)
), readings AS (
    SELECT p.line, sum(e.engaged_s) AS engaged_s, max(e.scroll) AS scroll
    FROM (FROM unsealed WHERE name = 'engagement') e
    ASOF JOIN (FROM unsealed WHERE name = 'pageview') p
        ON e.site = p.site AND e.date = p.date AND e.token = p.token AND e.path = p.path
        AND e.at_us > p.at_us
    GROUP BY p.line
)
SELECT
    site, date, token, hour, at_us, name, host, path, props,
    coalesce(r.engaged_s, 0) AS engaged_s, coalesce(r.scroll, 0) AS scroll
FROM unsealed
LEFT JOIN readings r USING (line)
WHERE name <> 'engagement';
