-- From sums by day to a report: all of them are additive over days, visitors too.
SELECT
    /*keys*/
    coalesce(sum(visitors), 0)::BIGINT AS visitors,
    coalesce(sum(visits), 0)::BIGINT AS visits,
    coalesce(sum(pageviews), 0)::BIGINT AS pageviews,
    coalesce(sum(events), 0)::BIGINT AS events,
    mean(sum(pageviews), sum(visits), 100) AS views_per_visit,
    mean(100 * sum(bounces), sum(entries), 10) AS bounce_rate,
    mean(sum(duration_s), sum(visits), 10) AS visit_duration,
    mean(sum(engaged_s), sum(readings), 10) AS time_on_page,
    mean(10 * sum(scroll), sum(readings), 10) AS scroll_depth
FROM /*days*/
GROUP BY ALL
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
