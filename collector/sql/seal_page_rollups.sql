-- Capped as seal_rollups does it. The most frequent first: most pages are rare, and small numbers
-- side by side take few bytes.
INSERT INTO archive.page_rollups
WITH ranked AS (
    SELECT
        dimension, page,
        row_number() OVER (
            PARTITION BY dimension ORDER BY total(visits) + total(events) DESC, any_value(path)
        ) AS rank
    FROM rolled_pages
    JOIN (SELECT page, path FROM archive.pages WHERE site = $site) USING (page)
    GROUP BY dimension, page
)
SELECT
    $site, $date, dimension, CASE WHEN rank > $most_values THEN other ELSE page END AS page,
    total(visitors), total(visits), total(pageviews), total(events), total(duration_s),
    total(entries), total(bounces), total(readings), total(engaged_s), total(scroll)
FROM rolled_pages
JOIN ranked USING (dimension, page)
CROSS JOIN (SELECT page AS other FROM archive.pages WHERE site = $site AND path = '(other)')
GROUP BY ALL
ORDER BY dimension, total(events) DESC, page;
