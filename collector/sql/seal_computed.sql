-- The day's visits; `act` is the number of their first pageview or custom event.
CREATE OR REPLACE TEMP TABLE computed AS
WITH numbered AS (SELECT *, $site AS site, $date AS date FROM temp.numbered)
SELECT *, row_number() OVER everyone AS visit, count(*) OVER (PARTITION BY token) AS visits
FROM (/*compute_visits*/)
JOIN (SELECT island, min(act) AS act FROM temp.numbered WHERE acts GROUP BY island) USING (island)
WINDOW everyone AS (PARTITION BY token ORDER BY island);
