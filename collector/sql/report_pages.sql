-- As report, by one or more kinds of page: numbers are added up, and their paths looked up for
-- those rows only that can be among those asked for.
WITH summed AS MATERIALIZED (
    SELECT
        page,
        /*time_keys*/
        /*totals*/
    FROM /*sums*/
    GROUP BY ALL
), candidates AS MATERIALIZED (
    /*candidates*/
)
SELECT panel, /*columns*/
FROM (
    SELECT c.*, path AS /*page_key*/
    FROM candidates c
    LEFT JOIN (SELECT page, path FROM archive.pages WHERE site = $site /*new_pages*/) USING (page)
)
QUALIFY row_number() OVER (PARTITION BY panel ORDER BY /*order*/)
    BETWEEN $offset + 1 AND $offset + $limit
ORDER BY panel, /*order*/;
