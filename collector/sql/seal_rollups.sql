-- Against floods of made-up values, those beyond the most frequent ones of a day are one; its
-- visitors are a sum.
INSERT INTO archive.rollups
WITH ranked AS (
    SELECT
        dimension, value,
        row_number() OVER (
            PARTITION BY dimension ORDER BY total(visits) + total(events) DESC, value
        ) AS rank
    FROM rolled
    GROUP BY dimension, value
)
SELECT
    $site, $date, dimension,
    CASE WHEN rank > $most_values THEN '(other)' ELSE value END AS value,
    total(visitors), total(visits), total(pageviews), total(events), total(duration_s),
    total(entries), total(bounces), total(readings), total(engaged_s), total(scroll)
FROM rolled
JOIN ranked USING (dimension, value)
GROUP BY ALL
ORDER BY dimension, value;
