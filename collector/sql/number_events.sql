-- Events in order, visitor by visitor, with the island each lies in: events of one visitor with no
-- gap over 30 minutes between them. Times can be equal across ingest processes, so name and path
-- decide, to be the same every time. Only what is needed for that is sorted.
WITH ordered AS (
    SELECT
        event, at_us, name <> 'engagement' AS acts,
        row_number() OVER everyone AS n,
        lag((site, date, token)) OVER everyone IS DISTINCT FROM (site, date, token)
            OR at_us - lag(at_us) OVER everyone > $gap_us AS begins
    FROM considered
    JOIN live.pages USING (site, page)
    WINDOW everyone AS (ORDER BY site, date, token, at_us, name, digest)
), islands AS (
    SELECT
        event, n, acts,
        sum(begins::INTEGER) OVER so_far AS island,
        -- Of the island, unless nobody has acted in it so far.
        last_value(CASE WHEN acts THEN at_us END IGNORE NULLS) OVER so_far AS acted_at_us
    FROM ordered
    WINDOW so_far AS (ORDER BY n ROWS UNBOUNDED PRECEDING)
)
SELECT *, name = 'pageview' AS is_view
FROM considered JOIN islands USING (event);
