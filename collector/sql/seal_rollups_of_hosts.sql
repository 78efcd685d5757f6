-- By host: of a visit's actions on one page of it first, then of visits.
INSERT INTO rolled
WITH by_page AS (
    SELECT
        island, host, page,
        count(*) AS events,
        count(*) FILTER (is_view) AS pageviews,
        coalesce(total(r.engaged_s), 0) AS engaged_s,
        max(coalesce(r.scroll, 0)) FILTER (is_view) AS scroll
    FROM numbered
    LEFT JOIN readings r USING (n)
    WHERE acts
    GROUP BY ALL
), by_visit AS (
    SELECT
        island, host,
        total(events) AS events,
        total(pageviews) AS pageviews,
        count(*) FILTER (pageviews > 0) AS readings,
        total(engaged_s) AS engaged_s,
        total(scroll) AS scroll
    FROM by_page
    GROUP BY ALL
)
SELECT
    'host', h.host,
    count(*) FILTER (mark = 1) + count(DISTINCT regular), count(*), total(v.pageviews),
    total(v.events), total(duration_s), count(*) FILTER (v.host = entry_host),
    count(*) FILTER (v.host = entry_host AND is_bounce), total(readings), total(engaged_s),
    coalesce(total(scroll), 0)
FROM by_visit v
JOIN placed USING (island)
JOIN day_hosts h ON h.rank = v.host
GROUP BY h.host;
