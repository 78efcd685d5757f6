-- The first and last day that are not sealed yet, within a period.
SELECT min(date), max(date)
FROM live.visits v
WHERE site = $site AND date BETWEEN $first AND $last
  AND NOT EXISTS (FROM archive.sealed s WHERE s.site = v.site AND s.date = v.date);
