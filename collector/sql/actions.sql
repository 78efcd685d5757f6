-- Pageviews and custom events, each with the visit it belongs to, of sealed and unsealed days alike.
SELECT
    site, date, visitor::UBIGINT AS visitor, visit::BIGINT AS visit, e.hour, name, host, path,
    props, engaged_s, scroll, v.hour AS visit_hour, duration_s, is_bounce, entry_host, exit_host,
    entry_page, exit_page, source, channel, referrer, utm_source, utm_medium, utm_campaign,
    country, device, browser, os, screen
FROM archive.events e
JOIN archive.visits v USING (site, date, visitor, visit)
WHERE NOT EXISTS (FROM archive.removed_sites r WHERE r.site = e.site)
UNION ALL
SELECT
    e.site, e.date, e.token, v.started_at_us, e.hour, name, host, path, props, engaged_s, scroll,
    v.hour, duration_s, is_bounce, entry_host, exit_host, entry_page, exit_page, source, channel,
    referrer, utm_source, utm_medium, utm_campaign, country, device, browser, os, screen
FROM /*unsealed*/ e
ASOF JOIN live.visits v
    ON v.site = e.site AND v.date = e.date AND v.token = e.token AND e.at_us >= v.started_at_us
JOIN live.arrivals a ON a.arrival = v.arrival
