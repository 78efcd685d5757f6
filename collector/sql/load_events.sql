INSERT INTO live.events
SELECT
    site, date, hour, at_us, token, name, host, page, arrival, interactive, engaged_s, scroll,
    props, revenue, currency
FROM batch
JOIN live.arrivals USING (digest)
WHERE kind = 'event';
