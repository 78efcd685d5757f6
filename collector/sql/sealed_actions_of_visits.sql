-- Pageviews and custom events of sealed days, each with all that is known of its visit, in words.
SELECT
    e.date, e.visitor, e.visit, e.hour, is_view, name, host, p.path, props, engaged_s, scroll,
    v.hour AS visit_hour, duration_s, is_bounce, entry_host, exit_host, i.path AS entry_page,
    o.path AS exit_page, source, channel, referrer, utm_source, utm_medium, utm_campaign, country,
    device, browser, os, screen
FROM archive.events e
JOIN archive.visits v USING (site, date, visitor, visit)
JOIN (FROM archive.pages WHERE site = $site) p ON p.page = e.page
JOIN (FROM archive.pages WHERE site = $site) i ON i.page = v.entry_page
JOIN (FROM archive.pages WHERE site = $site) o ON o.page = v.exit_page
JOIN (FROM archive.arrivals WHERE site = $site) a ON a.arrival = v.arrival
WHERE e.site = $site AND e.date BETWEEN $first AND $last
