CREATE OR REPLACE TEMP TABLE computed AS
SELECT *, row_number() OVER (PARTITION BY token ORDER BY island) AS visit
FROM (/*compute_visits*/);
