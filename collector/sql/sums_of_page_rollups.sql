-- Sealed days by the number of the page: whole months and weeks as such, and the days between.
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_months
JOIN (SELECT unnest($months::DATE[]) AS date) USING (date)
WHERE site = $site AND dimension = $rolled
UNION ALL BY NAME
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_weeks
JOIN (SELECT unnest($weeks::DATE[]) AS date) USING (date)
WHERE site = $site AND dimension = $rolled
UNION ALL BY NAME
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_rollups
JOIN (SELECT unnest($days::DATE[]) AS date) USING (date)
WHERE site = $site AND dimension = $rolled
