-- As report, by page: numbers are added up, and their paths looked up for those rows only that can
-- be among those asked for.
WITH summed AS MATERIALIZED (
    SELECT
        page,
        /*new_path*/
        /*time_keys*/
        /*metrics*/
    FROM /*sums*/
    GROUP BY ALL
)
SELECT
    /*columns*/
FROM (
    SELECT s.*, /*path*/ AS /*page_key*/
    FROM summed s
    LEFT JOIN (FROM archive.pages WHERE site = $site) USING (page)
    WHERE /*is_candidate*/
)
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
