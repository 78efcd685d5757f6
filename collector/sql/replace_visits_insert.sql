-- Without temporary tables in between: each of their columns takes half a megabyte, however few its
-- rows. Visits that stay are earlier than those computed. A later one is said to have nothing new for
-- now, see replace_visits_compare.
INSERT INTO live.visits
WITH considered AS MATERIALIZED (/*consider_batch*/),
    numbered AS (/*number_events*/),
    computed AS MATERIALIZED (/*compute_visits*/)
SELECT
    *, CASE WHEN pageviews = 0 THEN 0 ELSE mark END, mark, mark, mark, mark, mark, mark
FROM (
    SELECT
        c.* EXCLUDE (island)
        REPLACE (coalesce(entry_page, 0) AS entry_page, coalesce(exit_page, 0) AS exit_page),
        mark(first_us < since_us OR island > first_island, visits > 1) AS mark
    FROM computed c
    JOIN touched USING (site, date, token)
    JOIN (
        SELECT site, date, token, min(island) AS first_island, count(*) AS visits
        FROM computed
        GROUP BY ALL
    ) USING (site, date, token)
);
