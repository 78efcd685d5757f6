-- The visits of the numbered events; `act` is the number of the first pageview or custom event, and
-- `visits` how many its visitor has.
CREATE OR REPLACE TEMP TABLE computed AS
WITH numbered AS (
    SELECT *, visitor AS token, $site AS site, $date AS date FROM temp.numbered
)
SELECT
    * EXCLUDE (token),
    token AS visitor,
    row_number() OVER (PARTITION BY token ORDER BY island) AS visit,
    count(*) OVER (PARTITION BY token) AS visits
FROM (/*compute_visits*/)
JOIN (SELECT island, min(act) AS act FROM temp.numbered WHERE acts GROUP BY island) USING (island);
