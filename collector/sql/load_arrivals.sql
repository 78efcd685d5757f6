-- In the order of the columns of live.arrivals, which is that of `parts`.
INSERT INTO live.arrivals
SELECT
    row_number() OVER () + (SELECT coalesce(max(arrival), 0) FROM live.arrivals),
    digest, parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7], parts[8],
    parts[9], parts[10], parts[11]
FROM (
    SELECT digest, any_value(parts) AS parts
    FROM batch
    ANTI JOIN live.arrivals USING (digest)
    WHERE kind = 'event'
    GROUP BY digest
);
