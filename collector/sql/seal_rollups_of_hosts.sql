-- By host: of a visit's actions on one page of it first, then of visits.
INSERT INTO rolled
WITH by_page AS (
    SELECT
        island, host, page,
        count(*) AS events,
        count(*) FILTER (is_view) AS pageviews,
        coalesce(sum(r.engaged_s), 0) AS engaged_s,
        max(coalesce(r.scroll, 0)) FILTER (is_view) AS scroll
    FROM numbered
    LEFT JOIN readings r USING (n)
    WHERE acts
    GROUP BY ALL
), by_visit AS (
    SELECT
        island, host,
        sum(events) AS events,
        sum(pageviews) AS pageviews,
        count(*) FILTER (pageviews > 0) AS readings,
        sum(engaged_s) AS engaged_s,
        sum(scroll) AS scroll
    FROM by_page
    GROUP BY ALL
)
SELECT
    'host', h.host,
    count(*) FILTER (mark = 1) + count(DISTINCT regular), count(*), sum(v.pageviews),
    sum(v.events), sum(duration_s), count(*) FILTER (v.host = entry_host),
    count(*) FILTER (v.host = entry_host AND is_bounce), sum(readings), sum(engaged_s),
    coalesce(sum(scroll), 0)
FROM by_visit v
JOIN placed USING (island)
JOIN day_hosts h ON h.rank = v.host
GROUP BY h.host;
