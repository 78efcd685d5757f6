CREATE OR REPLACE TEMP TABLE numbered AS (/*number_events*/);
