-- Sealed days by the number of the page.
SELECT
    /*times*/
    page,
    /*columns*/
FROM archive.page_rollups
WHERE site = $site AND date IN ( /*firsts*/ )
