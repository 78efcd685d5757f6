-- Weeks and months that are summed up and lie in a period, as their first and last day.
SELECT span, date, CASE span WHEN 'week' THEN date + 6 ELSE last_day(date) END AS last
FROM archive.rolled_spans
WHERE site = $site AND date >= $first
  AND CASE span WHEN 'week' THEN date + 6 ELSE last_day(date) END <= $last
ORDER BY date;
