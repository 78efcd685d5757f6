-- Pageviews and custom events of days that are not sealed, each with all that is known of its visit.
SELECT
    e.date, e.token AS visitor, v.started_at_us AS visit, e.hour, name = 'pageview' AS is_view, name,
    host, p.path, props, engaged_s, scroll, v.hour AS visit_hour, duration_s, is_bounce, entry_host,
    exit_host, i.path AS entry_page, o.path AS exit_page, source, channel, referrer, utm_source, utm_medium, utm_campaign, country, device,
    browser, os, screen
FROM /*unsealed*/ e
JOIN live.visits v
    ON v.site = e.site AND v.date = e.date AND v.token = e.token
    AND e.at_us BETWEEN v.started_at_us AND v.last_at_us
JOIN (/*unsealed_pages*/) p ON p.page = e.page
JOIN (/*unsealed_pages*/) i ON i.page = v.entry_page
JOIN (/*unsealed_pages*/) o ON o.page = v.exit_page
JOIN live.arrivals a ON a.arrival = v.arrival
WHERE name <> 'engagement'
