-- Under which names a site says something about its events of one name, the most frequent first.
SELECT property
FROM (
    SELECT unnest(map_keys(props)) AS property FROM archive.events
    WHERE site = $site AND date BETWEEN $first AND $last AND name = $event
    UNION ALL
    SELECT unnest(map_keys(props)) FROM live.events e
    WHERE site = $site AND date BETWEEN $first AND $last AND name = $event
        AND NOT EXISTS (FROM archive.sealed s WHERE s.site = e.site AND s.date = e.date)
)
GROUP BY property
ORDER BY count(*) DESC, property
LIMIT 12;
