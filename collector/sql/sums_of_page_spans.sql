-- Sealed weeks, months or quarters by the number of the page.
SELECT
    /*times*/
    page,
    /*columns*/
FROM archive.page_spans
WHERE site = $site AND span = '/*span*/' AND date IN ( /*firsts*/ )
