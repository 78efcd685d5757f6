-- The events of one share of the visitors, in the order and with the islands that number_events
-- gives them. Numbers stand for texts: they are sooner sorted. What comes in order is read in order,
-- so that nothing has to be sorted again. `act` counts pageviews and custom events.
CREATE OR REPLACE TEMP TABLE numbered AS
WITH ordered AS (
    SELECT
        e.rowid AS event, visitor, at_us, hour, arrival, interactive, engaged_s, scroll, p.page,
        n.rank AS name, h.rank AS host, name <> 'engagement' AS acts, name = 'pageview' AS is_view
    FROM live.events e
    JOIN (FROM ordinals WHERE visitor BETWEEN $first_visitor AND $last_visitor) USING (token)
    JOIN day_paths p ON p.live_page = e.page
    JOIN day_names n USING (name)
    JOIN day_hosts h USING (host)
    WHERE site = $site AND date = $date
    ORDER BY visitor, at_us, n.rank, p.rank
), begun AS (
    SELECT
        *,
        row_number() OVER () AS n,
        lag(visitor) OVER () IS DISTINCT FROM visitor OR at_us - lag(at_us) OVER () > $gap_us
            AS begins
    FROM ordered
)
SELECT
    * EXCLUDE (begins) REPLACE (n::INTEGER AS n),
    (count(*) FILTER (begins) OVER so_far)::INTEGER AS island,
    (count(*) FILTER (acts) OVER so_far)::INTEGER AS act,
    last_value(CASE WHEN acts THEN at_us END IGNORE NULLS) OVER so_far AS acted_at_us
FROM begun
WINDOW so_far AS (ROWS UNBOUNDED PRECEDING);
