-- Number the day's pages that are new to the site. '' is the page of a visit without any, and
-- '(other)' stands for those beyond the most frequent ones.
INSERT INTO archive.pages
WITH known AS (SELECT page, path FROM archive.pages WHERE site = $site)
SELECT
    $site, row_number() OVER (ORDER BY path) + (SELECT coalesce(max(page), 0) FROM known), path
FROM (
    SELECT path
    FROM live.pages
    SEMI JOIN (FROM live.events WHERE site = $site AND date = $date) USING (site, page)
    UNION
    SELECT unnest(['', '(other)'])
)
ANTI JOIN known USING (path);
