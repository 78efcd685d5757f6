-- Visit metrics by a dimension that is a function of the visit, and by day.
WITH days AS (
    SELECT
        date,
        /*time*/ AS time,
        /*other*/ AS other,
        count(DISTINCT visitor) AS visitors,
        count(*) AS visits,
        sum(pageviews) AS pageviews,
        count(*) FILTER (is_bounce) AS bounces,
        sum(duration_s) AS duration_s
    FROM visits
    WHERE site = $site AND date BETWEEN $first AND $last
    GROUP BY ALL
)
SELECT
    time,
    other,
    sum(visitors)::BIGINT AS visitors,
    sum(visits)::BIGINT AS visits,
    sum(pageviews)::BIGINT AS pageviews,
    round(sum(pageviews) / sum(visits), 2)::DOUBLE AS views_per_visit,
    round(100 * sum(bounces) / sum(visits), 1)::DOUBLE AS bounce_rate,
    round(sum(duration_s) / sum(visits), 1)::DOUBLE AS visit_duration
FROM days
GROUP BY time, other
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
