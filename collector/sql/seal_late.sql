-- Engagement with a page the visitor did not open on this day: it came too late for its own.
INSERT INTO archive.drops
SELECT $site, $date, 'late', late
FROM (
    SELECT
        (SELECT count(*) FROM numbered WHERE NOT acts)
        - (SELECT coalesce(sum(parts), 0) FROM readings) AS late
)
WHERE late > 0;
