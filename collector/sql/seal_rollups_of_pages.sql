-- By page: what visits did on it, and the visits that it began and ended. Pages stay numbers.
INSERT INTO rolled_pages
SELECT
    'page', v.page,
    count(*) FILTER (v.mark < 3), count(*), total(v.pageviews), total(v.events), total(duration_s),
    count(*) FILTER (v.page = entry_page), count(*) FILTER (v.page = entry_page AND is_bounce),
    count(*) FILTER (v.pageviews > 0), total(engaged_s), coalesce(total(scroll), 0)
FROM page_visits v
JOIN placed USING (island)
GROUP BY v.page
UNION ALL
SELECT
    'entry_page', entry_page, count(*) FILTER (entry_page_mark < 3), count(*),
    total(pageviews), total(events), total(duration_s), count(*), count(*) FILTER (is_bounce), 0,
    0, 0
FROM placed
GROUP BY entry_page
UNION ALL
SELECT
    'exit_page', exit_page, count(*) FILTER (exit_page_mark < 3), count(*),
    total(pageviews), total(events), total(duration_s), count(*), count(*) FILTER (is_bounce), 0,
    0, 0
FROM placed
GROUP BY exit_page;
