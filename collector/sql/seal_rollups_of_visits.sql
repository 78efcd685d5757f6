-- Sums by what is true of whole visits; those who come alike are counted together first.
INSERT INTO rolled
WITH counted AS (
    SELECT
        arrival, entry_host, exit_host,
        count(*) FILTER (mark < 3) AS firsts,
        count(*) FILTER (entry_host_mark < 3) AS entry_host_firsts,
        count(*) FILTER (exit_host_mark < 3) AS exit_host_firsts,
        count(*) FILTER (source_mark < 3) AS source_firsts,
        count(*) FILTER (channel_mark < 3) AS channel_firsts,
        count(*) FILTER (referrer_mark < 3) AS referrer_firsts,
        count(*) FILTER (utm_source_mark < 3) AS utm_source_firsts,
        count(*) FILTER (utm_medium_mark < 3) AS utm_medium_firsts,
        count(*) FILTER (utm_campaign_mark < 3) AS utm_campaign_firsts,
        count(*) FILTER (screen_mark < 3) AS screen_firsts,
        count(*) AS visits,
        total(pageviews) AS pageviews,
        total(events) AS events,
        total(duration_s) AS duration_s,
        count(*) FILTER (is_bounce) AS bounces
    FROM placed
    GROUP BY ALL
), worded AS (
    SELECT
        c.* EXCLUDE (entry_host, exit_host), '' AS nothing, i.host AS entry_host,
        o.host AS exit_host, source, channel, referrer, utm_source, utm_medium, utm_campaign,
        country, device, browser, os, screen
    FROM counted c
    JOIN (FROM archive.arrivals WHERE site = $site) USING (arrival)
    JOIN day_hosts i ON i.rank = entry_host
    JOIN day_hosts o ON o.rank = exit_host
)
SELECT
    dimension, value, total(firsts), total(visits), total(pageviews), total(events),
    total(duration_s), total(visits), total(bounces), 0, 0, 0
FROM (
    UNPIVOT worded ON
        (firsts, nothing) AS total,
        (firsts, country) AS country,
        (firsts, device) AS device,
        (firsts, browser) AS browser,
        (firsts, os) AS os,
        (entry_host_firsts, entry_host) AS entry_host,
        (exit_host_firsts, exit_host) AS exit_host,
        (source_firsts, source) AS source,
        (channel_firsts, channel) AS channel,
        (referrer_firsts, referrer) AS referrer,
        (utm_source_firsts, utm_source) AS utm_source,
        (utm_medium_firsts, utm_medium) AS utm_medium,
        (utm_campaign_firsts, utm_campaign) AS utm_campaign,
        (screen_firsts, screen) AS screen
    INTO NAME dimension VALUE firsts, value
)
GROUP BY ALL;
