-- Without temporary tables in between: each of their columns takes half a megabyte, however few its
-- rows.
INSERT INTO live.visits
WITH considered AS MATERIALIZED (/*consider_batch*/),
    numbered AS (/*number_events*/),
    computed AS (/*compute_visits*/)
SELECT
    * EXCLUDE (island)
    REPLACE (coalesce(entry_page, '') AS entry_page, coalesce(exit_page, '') AS exit_page)
FROM computed;
