-- Pageviews with the visit each belongs to, of sealed and unsealed days alike.
CREATE OR REPLACE VIEW pageviews AS
SELECT
    e.site, e.date, e.visitor::UBIGINT AS visitor, e.visit::BIGINT AS visit, e.hour, e.path,
    v.duration_s, v.is_bounce, v.entry_page
FROM archive.events e
JOIN archive.visits v
    ON v.site = e.site AND v.date = e.date AND v.visitor = e.visitor AND v.visit = e.visit
WHERE e.name = 'pageview'
UNION ALL
SELECT
    e.site, e.date, e.token, v.started_at_us, e.hour, e.path, v.duration_s, v.is_bounce, v.entry_page
FROM (
    SELECT site, date, token, hour, at_us, path FROM live.events u
    WHERE name = 'pageview'
      AND NOT EXISTS (FROM archive.sealed s WHERE s.site = u.site AND s.date = u.date)
) e
ASOF JOIN live.visits v
    ON v.site = e.site AND v.date = e.date AND v.token = e.token AND e.at_us >= v.started_at_us;
