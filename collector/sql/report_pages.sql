-- By page: visits that contain it, and the bounce rate of those that entered there.
WITH seen AS (
    SELECT
        date, /*hour*/ AS hour, visitor, visit, path,
        count(*) AS pageviews,
        any_value(duration_s) AS duration_s,
        any_value(entry_page) AS entry_page,
        any_value(is_bounce) AS is_bounce
    FROM pageviews
    WHERE site = $site AND date BETWEEN $first AND $last
    GROUP BY ALL
), days AS (
    SELECT
        date,
        /*time*/ AS time,
        /*other*/ AS other,
        count(DISTINCT visitor) AS visitors,
        count(DISTINCT (visitor, visit)) AS visits,
        sum(pageviews) AS pageviews,
        count(*) FILTER (entry_page = path) AS entries,
        count(*) FILTER (entry_page = path AND is_bounce) AS bounces,
        sum(duration_s) AS duration_s,
        count(*) AS weight
    FROM seen
    GROUP BY ALL
)
SELECT
    time,
    other,
    sum(visitors)::BIGINT AS visitors,
    sum(visits)::BIGINT AS visits,
    sum(pageviews)::BIGINT AS pageviews,
    round(sum(pageviews) / sum(visits), 2)::DOUBLE AS views_per_visit,
    round(100 * sum(bounces) / nullif(sum(entries), 0), 1)::DOUBLE AS bounce_rate,
    round(sum(duration_s) / sum(weight), 1)::DOUBLE AS visit_duration
FROM days
GROUP BY time, other
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
