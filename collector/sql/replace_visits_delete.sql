DELETE FROM live.visits v
USING (SELECT DISTINCT site, date, token FROM considered) c
WHERE v.site = c.site AND v.date = c.date AND v.token = c.token;
