-- Engagement with a page the visitor did not open on this day: it came too late for its own.
INSERT INTO archive.drops
SELECT $site, $date, 'late', late
FROM (
    SELECT
        count(*) - (SELECT coalesce(sum(parts), 0) FROM joined) AS late
    FROM live.events
    WHERE site = $site AND date = $date AND name = 'engagement'
)
WHERE late > 0;
