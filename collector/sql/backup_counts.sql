-- What the archive holds: compared between an original and its copy, and told to people.
SELECT
    count(*),
    min(date)::VARCHAR,
    max(date)::VARCHAR,
    (SELECT count(*) FROM archive.visits),
    (SELECT count(*) FROM archive.events),
    (SELECT count(*) FROM archive.rollups)
    + (SELECT count(*) FROM archive.arrival_rollups)
    + (SELECT count(*) FROM archive.page_rollups)
FROM archive.sealed;
