CREATE OR REPLACE TEMP TABLE considered AS
SELECT row_number() OVER () AS event, * FROM live.events WHERE site = $site AND date = $date;
