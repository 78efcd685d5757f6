SELECT site, min(date) FROM (
    SELECT site, date FROM archive.sealed WHERE events > 0 AND site IN (SELECT unnest($sites))
    UNION ALL
    SELECT site, date FROM live.visits WHERE site IN (SELECT unnest($sites))
) GROUP BY site;
