-- Capped as seal_rollups does it.
INSERT INTO archive.page_rollups
WITH ranked AS (
    SELECT
        dimension, page,
        row_number() OVER (PARTITION BY dimension ORDER BY visits + events DESC, path) AS rank
    FROM rolled_pages
    JOIN (SELECT page, path FROM archive.pages WHERE site = $site) USING (page)
)
SELECT
    $site, $date, dimension, CASE WHEN rank > $most_values THEN other ELSE page END AS page,
    sum(visitors), sum(visits), sum(pageviews), sum(events), sum(duration_s), sum(entries),
    sum(bounces), sum(readings), sum(engaged_s), sum(scroll)
FROM rolled_pages
JOIN ranked USING (dimension, page)
CROSS JOIN (SELECT page AS other FROM archive.pages WHERE site = $site AND path = '(other)')
GROUP BY ALL
ORDER BY dimension, page;
