-- Days with anything unsealed in them, oldest first.
SELECT DISTINCT site, date
FROM (
    SELECT site, date FROM live.events
    UNION ALL SELECT site, date FROM live.drops
    UNION ALL SELECT site, date FROM live.day_keys
    UNION ALL SELECT site, date FROM live.erasures
) d
WHERE NOT EXISTS (FROM archive.sealed s WHERE s.site = d.site AND s.date = d.date)
ORDER BY date, site;
