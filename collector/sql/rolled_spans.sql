-- Weeks, months and quarters that are summed up and lie in a period, as their first and last day.
SELECT span, date, last
FROM (SELECT *, span_end(span, date) AS last FROM archive.rolled_spans WHERE site = $site)
WHERE date >= $first AND last <= $last
ORDER BY date;
