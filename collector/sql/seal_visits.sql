-- In the order of the random numbers: it says nothing about who came first.
INSERT INTO archive.visits
SELECT
    site, date, visitor, visit, hour, duration_s, pageviews, events, is_bounce, entry_host,
    exit_host, entry_page, exit_page, source, channel, referrer, utm_source, utm_medium, utm_campaign, country, device,
    browser, os, screen
FROM computed
JOIN ordinals USING (token)
JOIN live.arrivals USING (arrival)
ORDER BY visitor, visit;
