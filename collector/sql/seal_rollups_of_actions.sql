-- Sums by page, host and name of single actions, as days_of_actions has them.
INSERT INTO rolled
WITH acted AS MATERIALIZED (
    UNPIVOT (
        SELECT
            token, island, name = 'pageview' AS is_view, path AS page, path, host, name, n,
            entry_page, entry_host, duration_s, is_bounce
        FROM numbered
        JOIN (SELECT island, entry_page, entry_host, duration_s, is_bounce FROM computed)
            USING (island)
        WHERE acts
    )
    ON path, host, name
    INTO NAME dimension VALUE value
)
SELECT
    dimension, value, count(DISTINCT token), 0, count(*) FILTER (is_view), count(*), 0, 0, 0, 0, 0, 0
FROM acted
GROUP BY dimension, value
UNION ALL
SELECT
    dimension, value, 0, count(*), 0, 0, sum(duration_s), count(*) FILTER (enters),
    count(*) FILTER (enters AND is_bounce), 0, 0, 0
FROM (
    SELECT
        dimension, value, island,
        any_value(duration_s) AS duration_s,
        any_value(is_bounce) AS is_bounce,
        bool_or(
            CASE dimension
                WHEN 'path' THEN value = entry_page
                WHEN 'host' THEN value = entry_host
                ELSE true
            END
        ) AS enters
    FROM acted
    GROUP BY dimension, value, island
)
GROUP BY dimension, value
UNION ALL
SELECT dimension, value, 0, 0, 0, 0, 0, 0, 0, count(*), sum(engaged_s), sum(scroll)
FROM (
    SELECT dimension, value, island, page, sum(coalesce(r.engaged_s, 0)) AS engaged_s,
        max(coalesce(r.scroll, 0)) AS scroll
    FROM acted
    LEFT JOIN readings r USING (n)
    WHERE is_view
    GROUP BY dimension, value, island, page
)
GROUP BY dimension, value;
