INSERT INTO archive.page_months
SELECT
    site, $month, dimension, page, sum(visitors), sum(visits), sum(pageviews), sum(events),
    sum(duration_s), sum(entries), sum(bounces), sum(readings), sum(engaged_s), sum(scroll)
FROM archive.page_rollups
WHERE site = $site AND date BETWEEN $month AND last_day($month)
GROUP BY site, dimension, page
ORDER BY dimension, page;
