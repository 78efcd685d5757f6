CREATE OR REPLACE TEMP TABLE numbered AS
WITH considered AS (/*consider_day*/)
FROM (/*number_events*/);
