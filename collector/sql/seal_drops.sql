INSERT INTO archive.drops
SELECT site, date, reason, sum(count) FROM live.drops
WHERE site = $site AND date = $date
GROUP BY site, date, reason
ORDER BY reason;
