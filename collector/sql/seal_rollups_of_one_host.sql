-- By host, where there is only one: everything, and all that was read.
INSERT INTO rolled
SELECT
    'host', host, visitors, visits, pageviews, events, duration_s, entries, bounces, read.readings,
    read.engaged_s, read.scroll
FROM rolled
CROSS JOIN day_hosts
CROSS JOIN (
    SELECT
        count(*) FILTER (pageviews > 0) AS readings,
        coalesce(total(engaged_s), 0) AS engaged_s,
        coalesce(total(scroll), 0) AS scroll
    FROM page_visits
) read
WHERE dimension = 'total';
