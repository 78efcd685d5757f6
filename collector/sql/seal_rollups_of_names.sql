-- By name: only pageviews are read.
INSERT INTO rolled
SELECT
    'name', n.name,
    count(*) FILTER (v.mark < 3), count(*),
    CASE WHEN n.name = 'pageview' THEN total(v.events) ELSE 0 END,
    total(v.events), total(duration_s), count(*), count(*) FILTER (is_bounce),
    CASE WHEN n.name = 'pageview' THEN any_value(read.readings) ELSE 0 END,
    CASE WHEN n.name = 'pageview' THEN any_value(read.engaged_s) ELSE 0 END,
    CASE WHEN n.name = 'pageview' THEN any_value(read.scroll) ELSE 0 END
FROM name_visits v
JOIN placed USING (island)
JOIN day_names n ON n.rank = v.name
CROSS JOIN (
    SELECT
        count(*) FILTER (pageviews > 0) AS readings,
        coalesce(total(engaged_s), 0) AS engaged_s,
        coalesce(total(scroll), 0) AS scroll
    FROM page_visits
) read
GROUP BY n.name;
