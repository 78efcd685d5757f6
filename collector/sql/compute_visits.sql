-- A visit is an island from its first pageview or custom event on: engagement starts none.
-- It lasts until its last pageview or custom event, or the end of engagement that follows that
-- one within the gap; a bounce lasts no time.
WITH islands AS (
    SELECT
        island,
        any_value(site) AS site,
        any_value(date) AS date,
        any_value(token) AS token,
        min(at_us) FILTER (acts) AS started_at_us,
        max(at_us) AS last_at_us,
        max(at_us) FILTER (at_us - acted_at_us <= $gap_us) AS ended_at_us,
        count(*) FILTER (is_view) AS pageviews,
        count(*) FILTER (acts) AS events,
        count(*) FILTER (is_view) = 1
            AND count(*) FILTER (acts AND NOT is_view AND interactive) = 0 AS is_bounce,
        arg_min(hour, n) FILTER (acts) AS hour,
        arg_min(host, n) FILTER (acts) AS entry_host,
        arg_max(host, n) FILTER (acts) AS exit_host,
        arg_min(page, n) FILTER (is_view) AS entry_page,
        arg_max(page, n) FILTER (is_view) AS exit_page,
        arg_min(arrival, n) FILTER (acts) AS arrival,
        bit_or(1::INTEGER << hour::INTEGER) FILTER (acts) AS hours
    FROM numbered
    GROUP BY island
)
SELECT
    site, date, token, started_at_us, last_at_us, hour,
    CASE
        WHEN is_bounce THEN 0 ELSE (ended_at_us - started_at_us + 500_000) // 1_000_000
    END AS duration_s,
    pageviews, events, is_bounce, entry_host, exit_host, entry_page, exit_page, arrival,
    hours, island
FROM islands
WHERE events > 0;
