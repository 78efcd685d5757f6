SELECT date FROM archive.sealed WHERE site = $site AND day_keys > 1
UNION
SELECT date FROM live.day_keys WHERE site = $site GROUP BY date HAVING count(*) > 1;
