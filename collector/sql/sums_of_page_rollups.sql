-- Sealed days by the number of the page: whole quarters, months and weeks, and the days between.
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_spans
JOIN (SELECT unnest($spans::VARCHAR[]) AS span, unnest($firsts::DATE[]) AS date) USING (span, date)
WHERE site = $site AND dimension = $rolled
UNION ALL BY NAME
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_rollups
JOIN (SELECT unnest($days::DATE[]) AS date) USING (date)
WHERE site = $site AND dimension = $rolled
