CREATE OR REPLACE TEMP TABLE day_names AS
SELECT name, row_number() OVER (ORDER BY name) AS rank
FROM (SELECT DISTINCT name FROM live.events WHERE site = $site AND date = $date);
