-- Beside the visits that the batch goes on with, all those that their visitor took back.
CREATE OR REPLACE TEMP TABLE touched AS
SELECT
    site, date, token, min(since_us) AS since_us, max(until_us) AS until_us,
    min(first_us) AS first_us, bool_or(acts) AS acts
FROM (
    FROM touched
    UNION ALL
    SELECT v.site, v.date, v.token, v.started_at_us, v.last_at_us, v.started_at_us, false
    FROM live.visits v
    JOIN batch e ON v.site = e.site AND v.date = e.date AND v.token = e.token
    WHERE e.kind = 'erasure'
)
GROUP BY site, date, token;
