-- As number_events does it. A table is read in the order it was written in, so that nothing has to
-- be sorted again. `act` counts pageviews and custom events.
CREATE OR REPLACE TEMP TABLE numbered AS
WITH begun AS (
    SELECT
        *,
        row_number() OVER () AS n,
        lag(token) OVER () IS DISTINCT FROM token OR at_us - lag(at_us) OVER () > $gap_us AS begins
    FROM ordered
)
SELECT
    * EXCLUDE (begins),
    $site AS site,
    $date AS date,
    count(*) FILTER (begins) OVER so_far AS island,
    count(*) FILTER (acts) OVER so_far AS act,
    last_value(CASE WHEN acts THEN at_us END IGNORE NULLS) OVER so_far AS acted_at_us
FROM begun
WINDOW so_far AS (ROWS UNBOUNDED PRECEDING);
