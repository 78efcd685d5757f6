-- All events so far of the visitors in the batch: their visits are computed anew.
SELECT
    row_number() OVER () AS event, site, date, hour, at_us, token, name, host, path, source,
    channel, referrer, utm_source, utm_medium, utm_campaign, country, device, browser, os, screen,
    interactive
FROM live.events e
SEMI JOIN (SELECT DISTINCT site, date, token FROM batch WHERE kind = 'event') t
    ON e.site = t.site AND e.date = t.date AND e.token = t.token;
