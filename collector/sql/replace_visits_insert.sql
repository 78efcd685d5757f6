-- Without temporary tables in between: see load_batch.
INSERT INTO live.visits
WITH considered AS MATERIALIZED (/*consider_batch*/),
    numbered AS (/*number_events*/),
    computed AS (/*compute_visits*/)
SELECT * EXCLUDE (island) FROM computed;
