-- Whole visits by what is true of all of each: fastest, since their events are not read.
WITH days AS (
    SELECT
        date,
        /*visit_keys*/
        count(DISTINCT visitor) AS visitors,
        count(*) AS visits,
        sum(pageviews) AS pageviews,
        sum(events) AS events,
        count(*) FILTER (is_bounce) AS bounces,
        sum(duration_s) AS duration_s
    FROM visits
    WHERE site = $site AND date BETWEEN $first AND $last AND /*where*/
    GROUP BY ALL
)
SELECT
    /*keys*/
    coalesce(sum(visitors), 0)::BIGINT AS visitors,
    coalesce(sum(visits), 0)::BIGINT AS visits,
    coalesce(sum(pageviews), 0)::BIGINT AS pageviews,
    coalesce(sum(events), 0)::BIGINT AS events,
    mean(sum(pageviews), sum(visits), 100) AS views_per_visit,
    mean(100 * sum(bounces), sum(visits), 10) AS bounce_rate,
    mean(sum(duration_s), sum(visits), 10) AS visit_duration,
    NULL AS time_on_page,
    NULL AS scroll_depth
FROM days
GROUP BY ALL
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
