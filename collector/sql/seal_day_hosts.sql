CREATE OR REPLACE TEMP TABLE day_hosts AS
SELECT host, row_number() OVER (ORDER BY host) AS rank
FROM (SELECT DISTINCT host FROM live.events WHERE site = $site AND date = $date);
