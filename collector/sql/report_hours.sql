-- By hour: visitors and pageviews of those active in it, visits of those that started in it.
WITH active AS (
    SELECT
        /*time*/ AS time,
        '' AS other,
        count(DISTINCT visitor) AS visitors,
        count(*) FILTER (name = 'pageview') AS pageviews
    FROM actions
    WHERE site = $site AND date BETWEEN $first AND $last
    GROUP BY date, hour
), started AS (
    SELECT
        /*time*/ AS time,
        count(*) AS visits,
        count(*) FILTER (is_bounce) AS bounces,
        sum(duration_s) AS duration_s
    FROM visits
    WHERE site = $site AND date BETWEEN $first AND $last
    GROUP BY date, hour
)
SELECT
    active.time AS time,
    other,
    visitors::BIGINT AS visitors,
    coalesce(visits, 0)::BIGINT AS visits,
    pageviews::BIGINT AS pageviews,
    round(pageviews / visits, 2)::DOUBLE AS views_per_visit,
    round(100 * bounces / visits, 1)::DOUBLE AS bounce_rate,
    round(duration_s / visits, 1)::DOUBLE AS visit_duration
FROM active
LEFT JOIN started USING (time)
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
