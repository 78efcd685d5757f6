-- Whether the live store still holds anything of a sealed day or a removed site.
SELECT count(*)
FROM (
    SELECT site, date FROM live.events
    UNION ALL SELECT site, date FROM live.drops
    UNION ALL SELECT site, date FROM live.day_keys
    UNION ALL SELECT site, date FROM live.erasures
) d
WHERE EXISTS (FROM archive.sealed s WHERE s.site = d.site AND s.date = d.date)
   OR EXISTS (FROM archive.removed_sites r WHERE r.site = d.site);
