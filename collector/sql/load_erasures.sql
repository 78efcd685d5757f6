INSERT INTO live.erasures
SELECT site, date, token, max(at_us) FROM batch WHERE kind = 'erasure' GROUP BY site, date, token;
