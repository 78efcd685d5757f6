INSERT INTO live.pages
SELECT DISTINCT site, page, path
FROM batch
ANTI JOIN live.pages USING (site, page)
WHERE kind = 'event';
