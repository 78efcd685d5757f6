-- Sums by path as sums by page; what has no number yet keeps its path.
SELECT
    /*times*/
    p.page, CASE WHEN p.page IS NULL THEN d/*n*/ END AS new_path,
    /*columns*/
FROM /*sums*/ u
LEFT JOIN (FROM archive.pages WHERE site = $site) p ON p.path = d/*n*/
