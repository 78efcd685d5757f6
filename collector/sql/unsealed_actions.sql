-- What happened on days that are not sealed; how long and how far pages were read is left out.
SELECT site, date, token, hour, at_us, name, host, path, props, 0 AS engaged_s, 0 AS scroll
FROM live.events u
WHERE name <> 'engagement'
  AND NOT EXISTS (FROM archive.sealed s WHERE s.site = u.site AND s.date = u.date);
