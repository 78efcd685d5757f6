-- Events in order, with the island each lies in: no gap over 30 minutes between its events.
-- Times can be equal across ingest processes, so name and path decide, to be the same every time.
WITH gaps AS (
    SELECT
        event, site, date, token, at_us, name, path, interactive,
        row_number() OVER visitor AS n,
        coalesce(at_us - lag(at_us) OVER visitor > $gap_us, false) AS is_after_gap
    FROM considered
    WINDOW visitor AS (PARTITION BY site, date, token ORDER BY at_us, name, path)
)
SELECT
    * EXCLUDE (is_after_gap),
    sum(is_after_gap::INTEGER) OVER (PARTITION BY site, date, token ORDER BY n) AS island
FROM gaps;
