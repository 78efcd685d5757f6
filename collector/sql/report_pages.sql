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
), candidates AS MATERIALIZED (
    FROM summed WHERE /*is_candidate*/
)
SELECT
    /*columns*/
FROM (
    SELECT c.*, /*path*/ AS /*page_key*/
    FROM candidates c
    LEFT JOIN (FROM archive.pages WHERE site = $site) USING (page)
)
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
