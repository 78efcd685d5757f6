-- Against floods of made-up values, those beyond the most frequent ones of a day are one; its
-- visitors are a sum.
CREATE OR REPLACE TEMP TABLE capped AS
WITH ranked AS (
    SELECT
        dimension, value,
        row_number() OVER (
            PARTITION BY dimension ORDER BY sum(visits) + sum(events) DESC, value
        ) AS rank
    FROM rolled
    GROUP BY dimension, value
)
SELECT
    $site AS site, $date AS date, dimension,
    CASE WHEN rank > $most_values THEN '(other)' ELSE value END AS value,
    sum(visitors) AS visitors, sum(visits) AS visits, sum(pageviews) AS pageviews,
    sum(events) AS events, sum(duration_s) AS duration_s, sum(entries) AS entries,
    sum(bounces) AS bounces, sum(readings) AS readings, sum(engaged_s) AS engaged_s,
    sum(scroll) AS scroll
FROM rolled
JOIN ranked USING (dimension, value)
GROUP BY ALL;
