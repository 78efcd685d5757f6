-- Sums by path as sums by page. What has no number yet gets one that no page has, see new_pages.
SELECT
    /*times*/
    coalesce(p.page, -1 - (hash(d/*n*/) >> 1)::BIGINT) AS page,
    /*columns*/
FROM /*sums*/ u
LEFT JOIN (FROM archive.pages WHERE site = $site) p ON p.path = d/*n*/
