-- What a visit's events and sums take from it. `regular` is its visitor, where that one has several
-- visits: each is compared with the others. It is NULL where the visit is the visitor's only one.
CREATE OR REPLACE TEMP TABLE placed AS
WITH all_placed AS (
    SELECT
        island, visitor, visit, act, hour, hours, duration_s, pageviews, events, is_bounce, entry_host,
        exit_host, a.arrival,
        CASE WHEN visits > 1 THEN visitor END AS regular,
        CASE WHEN visits = 1 THEN 1 WHEN visit = 1 THEN 2 ELSE 3 END::UTINYINT AS mark,
        coalesce(entry_page, nowhere) AS entry_page,
        coalesce(exit_page, nowhere) AS exit_page
    FROM computed
    JOIN day_arrivals a ON a.live_arrival = computed.arrival
    CROSS JOIN (SELECT page AS nowhere FROM archive.pages WHERE site = $site AND path = '')
), regulars AS (
    SELECT
        visitor, island, pageviews, entry_host, exit_host, entry_page, exit_page, source, channel,
        referrer, utm_source, utm_medium, utm_campaign, screen
    FROM all_placed
    JOIN (FROM archive.arrivals WHERE site = $site) USING (arrival)
    WHERE regular IS NOT NULL
), marked AS (
    SELECT
        r.island,
        mark(
            bool_or(o.island < r.island AND o.pageviews > 0),
            bool_or(o.island > r.island AND o.pageviews > 0)
        ) AS view_mark,
        mark(
            bool_or(o.island < r.island AND o.entry_host = r.entry_host),
            bool_or(o.island > r.island AND o.entry_host = r.entry_host)
        ) AS entry_host_mark,
        mark(
            bool_or(o.island < r.island AND o.exit_host = r.exit_host),
            bool_or(o.island > r.island AND o.exit_host = r.exit_host)
        ) AS exit_host_mark,
        mark(
            bool_or(o.island < r.island AND o.entry_page = r.entry_page),
            bool_or(o.island > r.island AND o.entry_page = r.entry_page)
        ) AS entry_page_mark,
        mark(
            bool_or(o.island < r.island AND o.exit_page = r.exit_page),
            bool_or(o.island > r.island AND o.exit_page = r.exit_page)
        ) AS exit_page_mark,
        mark(
            bool_or(o.island < r.island AND o.source = r.source),
            bool_or(o.island > r.island AND o.source = r.source)
        ) AS source_mark,
        mark(
            bool_or(o.island < r.island AND o.channel = r.channel),
            bool_or(o.island > r.island AND o.channel = r.channel)
        ) AS channel_mark,
        mark(
            bool_or(o.island < r.island AND o.referrer = r.referrer),
            bool_or(o.island > r.island AND o.referrer = r.referrer)
        ) AS referrer_mark,
        mark(
            bool_or(o.island < r.island AND o.utm_source = r.utm_source),
            bool_or(o.island > r.island AND o.utm_source = r.utm_source)
        ) AS utm_source_mark,
        mark(
            bool_or(o.island < r.island AND o.utm_medium = r.utm_medium),
            bool_or(o.island > r.island AND o.utm_medium = r.utm_medium)
        ) AS utm_medium_mark,
        mark(
            bool_or(o.island < r.island AND o.utm_campaign = r.utm_campaign),
            bool_or(o.island > r.island AND o.utm_campaign = r.utm_campaign)
        ) AS utm_campaign_mark,
        mark(
            bool_or(o.island < r.island AND o.screen = r.screen),
            bool_or(o.island > r.island AND o.screen = r.screen)
        ) AS screen_mark
    FROM regulars r
    JOIN regulars o ON o.visitor = r.visitor AND o.island <> r.island
    GROUP BY r.island
)
SELECT
    all_placed.*,
    CASE WHEN pageviews = 0 THEN 0 ELSE coalesce(view_mark, 1) END AS view_mark,
    coalesce(entry_host_mark, 1) AS entry_host_mark,
    coalesce(exit_host_mark, 1) AS exit_host_mark,
    coalesce(entry_page_mark, 1) AS entry_page_mark,
    coalesce(exit_page_mark, 1) AS exit_page_mark,
    coalesce(source_mark, 1) AS source_mark,
    coalesce(channel_mark, 1) AS channel_mark,
    coalesce(referrer_mark, 1) AS referrer_mark,
    coalesce(utm_source_mark, 1) AS utm_source_mark,
    coalesce(utm_medium_mark, 1) AS utm_medium_mark,
    coalesce(utm_campaign_mark, 1) AS utm_campaign_mark,
    coalesce(screen_mark, 1) AS screen_mark
FROM all_placed
LEFT JOIN marked USING (island);
