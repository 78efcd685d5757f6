-- Words about arrivals that no day speaks of any more.
DELETE FROM archive.arrivals a
WHERE a.site = $site
  AND NOT EXISTS (
    FROM (
        SELECT arrival FROM archive.visits WHERE site = $site
        UNION SELECT arrival FROM archive.events WHERE site = $site
    ) spoken
    WHERE spoken.arrival = a.arrival
);
