-- The most frequent first: most pages are rare, and small numbers side by side take few bytes.
INSERT INTO archive.page_spans BY NAME
SELECT
    $span AS span,
    site,
    $first AS date,
    page,
    sum(columns(* EXCLUDE (site, date, page))::DOUBLE)
FROM archive.page_rollups
WHERE site = $site AND date BETWEEN $first AND $last
GROUP BY site, page
ORDER BY sum(events::DOUBLE) DESC, page;
