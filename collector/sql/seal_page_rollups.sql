-- Capped as seal_rollups does it. The most frequent first: most pages are rare, and small numbers
-- side by side take few bytes.
INSERT INTO archive.page_rollups BY NAME
WITH added AS (
    SELECT page, coalesce(sum(columns(* EXCLUDE page)::DOUBLE), 0)
    FROM rolled_pages
    GROUP BY page
), ranked AS (
    SELECT
        page, row_number() OVER (ORDER BY visits + events DESC, path) AS rank
    FROM added
    JOIN (SELECT page, path FROM archive.pages WHERE site = $site) USING (page)
)
SELECT
    $site AS site,
    $date AS date,
    CASE WHEN rank > $most_values THEN other ELSE page END AS page,
    sum(columns(* EXCLUDE (page, rank, other)))
FROM added
JOIN ranked USING (page)
CROSS JOIN (SELECT page AS other FROM archive.pages WHERE site = $site AND path = '(other)')
GROUP BY ALL
ORDER BY sum(events) DESC, page;
