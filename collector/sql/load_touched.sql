-- Whose visits the batch may change, and since when: from its first event of that visitor on, or
-- from the start of a visit that was not over by then. What ended before stays as it is.
CREATE TEMP TABLE touched AS
SELECT site, date, token, min(since_us) AS since_us
FROM (
    SELECT site, date, token, at_us AS since_us FROM batch WHERE kind = 'event'
    UNION ALL
    SELECT v.site, v.date, v.token, v.started_at_us
    FROM live.visits v
    JOIN batch b ON v.site = b.site AND v.date = b.date AND v.token = b.token
    WHERE b.kind = 'event' AND v.last_at_us >= b.at_us - $gap_us
)
GROUP BY site, date, token;
