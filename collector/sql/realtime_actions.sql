-- Pageviews and custom events of the last minutes, each with all that is known of its visit.
SELECT
    e.date, e.token AS visitor, v.started_at_us AS visit, e.at_us // 60_000_000 AS minute, name, host,
    path, props, entry_host, exit_host, entry_page, exit_page, source, channel, referrer,
    utm_source, utm_medium, utm_campaign, country, device, browser, os, screen
FROM (
    FROM live.events
    WHERE site = $site AND at_us BETWEEN $since_us AND $until_us AND name <> 'engagement'
      AND date NOT IN (SELECT date FROM archive.sealed WHERE site = $site)
) e
ASOF JOIN live.visits v
    ON v.site = e.site AND v.date = e.date AND v.token = e.token AND e.at_us >= v.started_at_us
JOIN live.arrivals a ON a.arrival = v.arrival
