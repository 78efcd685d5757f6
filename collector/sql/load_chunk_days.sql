INSERT INTO live.chunk_days
SELECT DISTINCT $chunk, site, date
FROM batch
ANTI JOIN (FROM live.chunk_days WHERE chunk = $chunk) USING (site, date);
