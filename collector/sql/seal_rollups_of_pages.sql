-- By page: what visits did on it, and the visits that it began and ended. Pages stay numbers.
INSERT INTO rolled_pages BY NAME
SELECT
    v.page,
    count(*) FILTER (v.mark < 3) AS visitors,
    count(*) AS visits,
    total(v.pageviews) AS pageviews,
    total(v.events) AS events,
    total(duration_s) AS duration_s,
    count(*) FILTER (v.pageviews > 0) AS readings,
    total(engaged_s) AS engaged_s,
    coalesce(total(scroll), 0) AS scroll
FROM page_visits v
JOIN placed USING (island)
GROUP BY v.page
UNION ALL BY NAME
SELECT
    entry_page AS page,
    count(*) FILTER (entry_page_mark < 3) AS entry_visitors,
    count(*) AS entries,
    count(*) FILTER (is_bounce) AS bounces,
    total(pageviews) AS entry_pageviews,
    total(events) AS entry_events,
    total(duration_s) AS entry_duration_s
FROM placed
GROUP BY entry_page
UNION ALL BY NAME
SELECT
    exit_page AS page,
    count(*) FILTER (exit_page_mark < 3) AS exit_visitors,
    count(*) AS exits,
    count(*) FILTER (is_bounce) AS exit_bounces,
    total(pageviews) AS exit_pageviews,
    total(events) AS exit_events,
    total(duration_s) AS exit_duration_s
FROM placed
GROUP BY exit_page;
