CREATE OR REPLACE TEMP TABLE computed AS (/*compute_visits*/);
