-- Sealed days by the number of the page.
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_rollups
JOIN (SELECT unnest($days::DATE[]) AS date) USING (date)
WHERE site = $site AND dimension = $rolled
