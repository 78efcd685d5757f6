-- Pageviews and custom events of the last minutes, each with all that is known of its visit.
SELECT
    e.date, e.token AS visitor, v.started_at_us AS visit, e.at_us // 60_000_000 AS minute, name, host,
    p.path, props, entry_host, exit_host, i.path AS entry_page, o.path AS exit_page, source, channel, referrer,
    utm_source, utm_medium, utm_campaign, country, device, browser, os, screen
FROM (
    FROM live.events
    WHERE site = $site AND at_us BETWEEN $since_us AND $until_us AND name <> 'engagement'
      AND date NOT IN (SELECT date FROM archive.sealed WHERE site = $site)
) e
ASOF JOIN live.visits v
    ON v.site = e.site AND v.date = e.date AND v.token = e.token AND e.at_us >= v.started_at_us
JOIN (/*unsealed_pages*/) p ON p.page = e.page
JOIN (/*unsealed_pages*/) i ON i.page = v.entry_page
JOIN (/*unsealed_pages*/) o ON o.page = v.exit_page
JOIN live.arrivals a ON a.arrival = v.arrival
