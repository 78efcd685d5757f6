-- Against floods of made-up values, those beyond the most frequent ones of a day are one; its
-- visitors are a sum.
INSERT INTO archive.rollups
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
    $site, $date, dimension,
    CASE WHEN rank > $most_values THEN '(other)' ELSE value END AS value,
    sum(visitors), sum(visits), sum(pageviews), sum(events), sum(duration_s), sum(entries),
    sum(bounces), sum(readings), sum(engaged_s), sum(scroll)
FROM rolled
JOIN ranked USING (dimension, value)
GROUP BY ALL
ORDER BY dimension, value;
