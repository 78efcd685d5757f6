-- Sums by what is true of whole visits. A NULL of a closed list cannot be: all columns have values.
INSERT INTO rolled
WITH arrived AS (
    SELECT
        token, pageviews, events, is_bounce, duration_s, '' AS total, entry_page, exit_page,
        entry_host, exit_host, source, channel, referrer, utm_source, utm_medium, utm_campaign,
        country, device, browser, os, screen
    FROM computed
    JOIN live.arrivals USING (arrival)
), spread AS (
    UNPIVOT arrived ON
        total, entry_page, exit_page, entry_host, exit_host, source, channel, referrer, utm_source,
        utm_medium, utm_campaign, country, device, browser, os, screen
    INTO NAME dimension VALUE value
)
SELECT
    dimension, value,
    count(DISTINCT token) AS visitors,
    count(*) AS visits,
    sum(pageviews) AS pageviews,
    sum(events) AS events,
    sum(duration_s) AS duration_s,
    count(*) AS entries,
    count(*) FILTER (is_bounce) AS bounces,
    0, 0, 0
FROM spread
GROUP BY dimension, value;
