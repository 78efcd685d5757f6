-- The most frequent first: most pages are rare, and small numbers side by side take few bytes.
INSERT INTO archive.page_spans
SELECT
    $span, site, $first, dimension, page, total(visitors), total(visits), total(pageviews),
    total(events), total(duration_s), total(entries), total(bounces), total(readings),
    total(engaged_s), total(scroll)
FROM archive.page_rollups
WHERE site = $site AND date BETWEEN $first AND $last
GROUP BY site, dimension, page
ORDER BY dimension, total(events) DESC, page;
