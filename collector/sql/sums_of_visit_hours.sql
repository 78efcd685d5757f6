-- Who acted in which hour, by what visits hold of that: no action is read.
WITH found AS /*found*/
, acted AS (
    SELECT date, hours FROM found WHERE mark = 1
    UNION ALL
    SELECT date, bit_or(hours) FROM found WHERE mark > 1 GROUP BY date, visitor
), counted AS (
    SELECT date, hours, count(*) AS visitors FROM acted GROUP BY ALL
)
SELECT
    /*times*/
    hour AS /*key*/,
    total(visitors) AS visitors
FROM counted
JOIN (SELECT unnest(range(24))::INTEGER AS hour) ON hours & (1 << hour) > 0
GROUP BY ALL
