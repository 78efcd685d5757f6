-- As sums_of_rollups, where the last day counts until an hour, or the first one from an hour on.
SELECT
    /*times*/
    /*rolled_key*/
    visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s, scroll
FROM archive.rollups
WHERE site = $site AND date BETWEEN $first AND $last AND dimension IN ($rolled, $clock, 'ended')
  AND CASE
      WHEN date = $last AND $last_hour < 23
      THEN dimension = $clock AND TRY_CAST(value AS INTEGER) <= $last_hour
      WHEN date = $first AND $first_hour > 0
      THEN dimension = 'ended' AND TRY_CAST(value AS INTEGER) >= $first_hour
      ELSE dimension = $rolled
  END
