-- By hour: who acted in it, and the visits that began in it.
INSERT INTO rolled
SELECT
    'hour', hour::VARCHAR, count(DISTINCT visitor), 0, count(*) FILTER (is_view), count(*), 0, 0, 0,
    0, 0, 0
FROM numbered
WHERE acts
GROUP BY hour
UNION ALL
SELECT
    'hour', hour::VARCHAR, 0, count(*), 0, 0, total(duration_s), count(*),
    count(*) FILTER (is_bounce), 0, 0, 0
FROM placed
GROUP BY hour;
