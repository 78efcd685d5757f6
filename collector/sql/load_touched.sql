-- Whose visits the batch may change, and since when: from its first event of that visitor on, or
-- from the start of a visit that was not over by then. What ended before stays as it is; the
-- visitor's first visit so far began at first_us, and its last ended at until_us if not later.
CREATE TEMP TABLE touched AS
SELECT
    site, date, token, min(since_us) AS since_us, max(until_us) AS until_us,
    min(started_at_us) AS first_us, bool_or(name <> 'engagement') AS acts
FROM (
    SELECT site, date, token, name, at_us AS since_us, at_us AS until_us, NULL AS started_at_us
    FROM batch
    WHERE kind = 'event'
    UNION ALL
    SELECT
        v.site, v.date, v.token, b.name,
        CASE WHEN v.last_at_us >= b.at_us - $gap_us THEN v.started_at_us ELSE b.at_us END,
        v.last_at_us, v.started_at_us
    FROM live.visits v
    JOIN batch b ON v.site = b.site AND v.date = b.date AND v.token = b.token
    WHERE b.kind = 'event'
)
GROUP BY site, date, token;
