DELETE FROM live.erasures d
WHERE EXISTS (FROM archive.sealed s WHERE s.site = d.site AND s.date = d.date)
   OR EXISTS (FROM archive.removed_sites r WHERE r.site = d.site);
