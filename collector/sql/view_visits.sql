-- Visits of sealed and unsealed days alike. `visitor` is unique within a site and a date, `visit`
-- within a visitor.
CREATE OR REPLACE VIEW visits AS
SELECT
    site, date, visitor::UBIGINT AS visitor, visit::BIGINT AS visit, hour, duration_s, pageviews,
    events, is_bounce, entry_host, exit_host, entry_page, exit_page, source, channel, referrer,
    utm_source, utm_medium, utm_campaign, country, device, browser, os, screen
FROM archive.visits
WHERE NOT EXISTS (FROM archive.removed_sites r WHERE r.site = archive.visits.site)
UNION ALL
SELECT
    site, date, token, started_at_us, hour, duration_s, pageviews, events, is_bounce, entry_host,
    exit_host, entry_page, exit_page, source, channel, referrer, utm_source, utm_medium,
    utm_campaign, country, device, browser, os, screen
FROM live.visits v
JOIN live.arrivals USING (arrival)
WHERE NOT EXISTS (FROM archive.sealed s WHERE s.site = v.site AND s.date = v.date);
