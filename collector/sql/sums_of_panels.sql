-- As sums_of_rollups, of several dimensions side by side.
SELECT
    dimension AS panel, date, value AS d0, visitors, visits, pageviews, events, duration_s, entries,
    bounces, readings, engaged_s, scroll
FROM archive.rollups
WHERE site = $site AND date BETWEEN $first AND $last
  AND dimension IN (SELECT unnest($panels))
