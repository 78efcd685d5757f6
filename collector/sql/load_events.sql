INSERT INTO live.events
SELECT
    site, date, hour, at_us, token, name, host, path, coalesce(source, ''), coalesce(channel, ''),
    coalesce(referrer, ''), coalesce(utm_source, ''), coalesce(utm_medium, ''),
    coalesce(utm_campaign, ''), coalesce(country, ''), coalesce(device, ''), coalesce(browser, ''),
    coalesce(os, ''), coalesce(screen, ''), coalesce(interactive, true), coalesce(engaged_s, 0),
    coalesce(scroll, 0), props, revenue, currency
FROM batch
WHERE kind = 'event';
