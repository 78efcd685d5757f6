CREATE OR REPLACE TEMP TABLE considered AS (/*consider_day*/);
