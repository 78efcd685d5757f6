-- Sealed days by page: whole months as such, the days before and after them one by one.
SELECT
    date, /*rolled_key*/ visitors, visits, pageviews, events, duration_s, entries, bounces, readings,
    engaged_s, scroll
FROM archive.page_months
WHERE site = $site AND date BETWEEN $whole_since AND $whole_until AND dimension = $rolled
UNION ALL
SELECT
    date, value, visitors, visits, pageviews, events, duration_s, entries, bounces, readings,
    engaged_s, scroll
FROM archive.page_rollups
WHERE site = $site AND date BETWEEN $first AND $last AND dimension = $rolled
  AND NOT date BETWEEN $whole_since AND $whole_until
