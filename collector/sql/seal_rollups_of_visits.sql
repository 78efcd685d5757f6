-- Sums by what is true of whole visits. Those who come alike are counted together first. A country
-- and a device are the visitor's own, so that marks tell visitors; of all else a regular visitor may
-- have several, and is told apart.
INSERT INTO rolled
WITH counted AS (
    SELECT
        arrival, entry_host, exit_host,
        count(*) FILTER (mark < 3) AS firsts,
        count(*) FILTER (mark = 1) AS onlys,
        count(*) AS visits,
        sum(pageviews) AS pageviews,
        sum(events) AS events,
        sum(duration_s) AS duration_s,
        count(*) FILTER (is_bounce) AS bounces
    FROM placed
    GROUP BY ALL
), regulars AS (
    SELECT DISTINCT regular, arrival, entry_host, exit_host FROM placed WHERE regular IS NOT NULL
), spread AS (
    UNPIVOT (
        SELECT
            c.* EXCLUDE (entry_host, exit_host), '' AS total, i.host AS entry_host,
            o.host AS exit_host, source, channel, referrer, utm_source, utm_medium, utm_campaign,
            country, device, browser, os, screen
        FROM counted c
        JOIN (FROM archive.arrivals WHERE site = $site) USING (arrival)
        JOIN day_hosts i ON i.rank = entry_host
        JOIN day_hosts o ON o.rank = exit_host
    )
    ON total, entry_host, exit_host, source, channel, referrer, utm_source, utm_medium,
        utm_campaign, country, device, browser, os, screen
    INTO NAME dimension VALUE value
), told_apart AS (
    SELECT dimension, value, count(DISTINCT regular) AS visitors
    FROM (
        UNPIVOT (
            SELECT
                regular, i.host AS entry_host, o.host AS exit_host, source, channel, referrer,
                utm_source, utm_medium, utm_campaign, screen
            FROM regulars
            JOIN (FROM archive.arrivals WHERE site = $site) USING (arrival)
            JOIN day_hosts i ON i.rank = entry_host
            JOIN day_hosts o ON o.rank = exit_host
        )
        ON entry_host, exit_host, source, channel, referrer, utm_source, utm_medium, utm_campaign,
            screen
        INTO NAME dimension VALUE value
    )
    GROUP BY ALL
)
SELECT
    dimension, value,
    CASE
        WHEN dimension IN ('total', 'country', 'device', 'browser', 'os') THEN sum(firsts)
        ELSE sum(onlys) + coalesce(any_value(visitors), 0)
    END,
    sum(visits), sum(pageviews), sum(events), sum(duration_s), sum(visits), sum(bounces), 0, 0, 0
FROM spread
LEFT JOIN told_apart USING (dimension, value)
GROUP BY dimension, value;
