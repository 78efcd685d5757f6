CREATE OR REPLACE TEMP TABLE computed AS
SELECT
    *,
    row_number() OVER (PARTITION BY token ORDER BY island) AS visit,
    count(*) OVER (PARTITION BY token) AS visits
FROM (/*compute_visits*/);
