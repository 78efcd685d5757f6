-- What was not counted, by the reason why; days that are sealed are told by the archive alone.
SELECT reason, sum(count)::BIGINT AS events
FROM (
    FROM archive.drops
    UNION ALL
    FROM live.drops d
    WHERE NOT EXISTS (FROM archive.sealed s WHERE s.site = d.site AND s.date = d.date)
)
WHERE site = $site AND date BETWEEN $first AND $last
GROUP BY reason
ORDER BY events DESC, reason;
