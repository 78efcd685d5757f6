-- By hour: who acted in it, and the visits that began in it. 'began' has each visitor and visit in
-- the hour of the first action, 'ended' in that of the last, both beside all actions of the hour:
-- added up from midnight on, or until midnight, they are the sums of that part of the day.
INSERT INTO rolled
WITH clock AS (
    SELECT unnest(range(24))::INTEGER AS hour
), came AS (
    SELECT hours, count(*) AS visitors
    FROM (SELECT bit_or(hours) AS hours FROM computed GROUP BY visitor)
    GROUP BY hours
    UNION ALL BY NAME
    SELECT
        hours, count(*) AS visits, total(duration_s) AS duration_s,
        count(*) FILTER (is_bounce) AS bounces
    FROM computed
    GROUP BY hours
), acted AS (
    SELECT hour, count(*) FILTER (is_view) AS pageviews, count(*) AS events
    FROM numbered
    WHERE acts
    GROUP BY hour
), summed AS (
    SELECT 'began' AS dimension, hour, came.*
    FROM came
    JOIN clock ON hours & ((2 << hour) - 1) = 1 << hour
    UNION ALL BY NAME
    SELECT 'ended' AS dimension, hour, came.*
    FROM came
    JOIN clock ON hours >> hour = 1
    UNION ALL BY NAME
    SELECT 'hour' AS dimension, hour, visitors
    FROM came
    JOIN clock ON hours & (1 << hour) > 0
    UNION ALL BY NAME
    SELECT
        'hour' AS dimension, hour, count(*) AS visits, total(duration_s) AS duration_s,
        count(*) FILTER (is_bounce) AS bounces
    FROM computed
    GROUP BY hour
    UNION ALL BY NAME
    SELECT unnest(['began', 'ended', 'hour']) AS dimension, * FROM acted
)
SELECT
    dimension, hour::VARCHAR, coalesce(total(visitors), 0), coalesce(total(visits), 0),
    coalesce(total(pageviews), 0), coalesce(total(events), 0), coalesce(total(duration_s), 0),
    coalesce(total(visits), 0), coalesce(total(bounces), 0), 0, 0, 0
FROM summed
GROUP BY dimension, hour;
