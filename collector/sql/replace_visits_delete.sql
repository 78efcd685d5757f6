DELETE FROM live.visits v
USING (SELECT DISTINCT site, date, token FROM batch WHERE kind = 'event') b
WHERE v.site = b.site AND v.date = b.date AND v.token = b.token;
