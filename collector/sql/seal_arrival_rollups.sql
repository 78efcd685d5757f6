-- There are no more of them than visits: they are not capped.
INSERT INTO archive.arrival_rollups
SELECT
    $site, $date, arrival, mark, view_mark, source_mark, channel_mark, referrer_mark,
    utm_campaign_mark, total(visits), total(pageviews), total(events), total(duration_s), total(bounces)
FROM rolled_arrivals
GROUP BY ALL
ORDER BY arrival, mark, view_mark, source_mark, channel_mark, referrer_mark, utm_campaign_mark;
