-- Sums by what is true of whole visits. Most visitors come once a day: only the others have to be
-- told apart.
INSERT INTO rolled
WITH arrived AS (
    SELECT
        CASE WHEN visits > 1 THEN token END AS regular,
        pageviews, events, is_bounce, duration_s, '' AS total, entry_page, exit_page, entry_host,
        exit_host, source, channel, referrer, utm_source, utm_medium, utm_campaign, country, device,
        browser, os, screen
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
    count(*) FILTER (regular IS NULL) + count(DISTINCT regular) AS visitors,
    count(*) AS visits,
    sum(pageviews) AS pageviews,
    sum(events) AS events,
    sum(duration_s) AS duration_s,
    count(*) AS entries,
    count(*) FILTER (is_bounce) AS bounces,
    0, 0, 0
FROM spread
GROUP BY dimension, value;
