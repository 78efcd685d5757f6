-- A visit is an island from its first pageview or custom event on: engagement starts none.
-- It lasts until its last pageview or custom event, or the end of engagement that follows that
-- one within the gap; a bounce lasts no time.
WITH acted AS (
    SELECT
        site, date, token, island,
        min(at_us) AS started_at_us,
        max(at_us) AS acted_at_us,
        count(*) FILTER (name = 'pageview') AS pageviews,
        count(*) AS events,
        count(*) FILTER (name = 'pageview') = 1
            AND count(*) FILTER (name <> 'pageview' AND interactive) = 0 AS is_bounce,
        arg_min(path, n) FILTER (name = 'pageview') AS entry_page,
        arg_max(path, n) FILTER (name = 'pageview') AS exit_page,
        arg_min(event, n) AS first_event
    FROM numbered
    WHERE name <> 'engagement'
    GROUP BY site, date, token, island
), ended AS (
    SELECT site, date, token, island, max(e.at_us) AS ended_at_us
    FROM acted
    JOIN numbered e USING (site, date, token, island)
    WHERE e.name = 'engagement' AND e.at_us BETWEEN acted_at_us AND acted_at_us + $gap_us
    GROUP BY site, date, token, island
)
SELECT
    a.site, a.date, a.token,
    row_number() OVER (PARTITION BY a.site, a.date, a.token ORDER BY a.island) AS visit,
    a.started_at_us,
    f.hour,
    CASE
        WHEN a.is_bounce THEN 0
        ELSE (coalesce(x.ended_at_us, a.acted_at_us) - a.started_at_us + 500_000) // 1_000_000
    END AS duration_s,
    a.pageviews, a.events, a.is_bounce,
    f.host,
    coalesce(a.entry_page, '') AS entry_page,
    coalesce(a.exit_page, '') AS exit_page,
    f.source, f.channel, f.referrer, f.utm_source, f.utm_medium, f.utm_campaign,
    f.country, f.device, f.browser, f.os, f.screen,
    a.island
FROM acted a
JOIN considered f ON f.event = a.first_event
LEFT JOIN ended x
    ON x.site = a.site AND x.date = a.date AND x.token = a.token AND x.island = a.island;
