-- Visitors of each day of several sites: of sealed days as they were summed up, of others by the
-- visits that are their visitor's first of the day.
SELECT site, date, visitors
FROM archive.rollups
WHERE dimension = 'total' AND date BETWEEN $first AND $last
  AND site IN (SELECT unnest($sites))
UNION ALL
SELECT site, date, count(*)
FROM live.visits
ANTI JOIN archive.sealed USING (site, date)
WHERE mark IN (1, 2) AND date BETWEEN $first AND $last
  AND site IN (SELECT unnest($sites))
GROUP BY site, date;
