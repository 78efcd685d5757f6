-- Sums by page, host and name of single actions, as days_of_actions has them: of a visit's actions on
-- one page first, then of visits.
INSERT INTO rolled
WITH pages AS MATERIALIZED (
    SELECT
        island, host, name, path,
        count(*) AS events,
        count(*) FILTER (name = 'pageview') AS pageviews,
        sum(r.engaged_s) AS engaged_s,
        max(r.scroll) AS scroll
    FROM numbered
    LEFT JOIN readings r USING (n)
    WHERE acts
    GROUP BY island, host, name, path
), spread AS (
    SELECT 'path' AS dimension, path AS value, * EXCLUDE (host, name) FROM pages
    UNION ALL
    SELECT 'host', host, * EXCLUDE (host, name) FROM pages
    UNION ALL
    SELECT 'name', name, * EXCLUDE (host, name) FROM pages
), by_page AS (
    SELECT
        dimension, value, island, path,
        sum(events) AS events,
        sum(pageviews) AS pageviews,
        coalesce(sum(engaged_s), 0) AS engaged_s,
        coalesce(max(scroll), 0) AS scroll
    FROM spread
    GROUP BY dimension, value, island, path
), by_visit AS (
    SELECT
        dimension, value, island,
        sum(events) AS events,
        sum(pageviews) AS pageviews,
        count(*) FILTER (pageviews > 0) AS readings,
        sum(engaged_s) AS engaged_s,
        sum(scroll) FILTER (pageviews > 0) AS scroll
    FROM by_page
    GROUP BY dimension, value, island
), of_visits AS (
    SELECT
        b.*, duration_s, is_bounce,
        CASE WHEN visits > 1 THEN token END AS regular,
        CASE dimension
            WHEN 'path' THEN value = entry_page
            WHEN 'host' THEN value = entry_host
            ELSE true
        END AS enters
    FROM by_visit b
    JOIN (SELECT island, token, visits, duration_s, is_bounce, entry_page, entry_host FROM computed)
        USING (island)
)
SELECT
    dimension, value,
    count(*) FILTER (regular IS NULL) + count(DISTINCT regular),
    count(*),
    sum(o.pageviews),
    sum(o.events),
    sum(duration_s),
    count(*) FILTER (enters),
    count(*) FILTER (enters AND is_bounce),
    sum(readings),
    sum(engaged_s),
    coalesce(sum(scroll), 0)
FROM of_visits o
GROUP BY dimension, value;
