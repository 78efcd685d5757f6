INSERT INTO live.pages
SELECT
    site, row_number() OVER () + (SELECT coalesce(max(page), 0) FROM live.pages), path_digest, path
FROM (
    SELECT DISTINCT b.site, b.path_digest, b.path
    FROM batch b
    ANTI JOIN live.pages p ON b.site = p.site AND b.path_digest = p.digest
    WHERE kind = 'event'
);
