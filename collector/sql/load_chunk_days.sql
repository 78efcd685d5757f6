INSERT INTO live.chunk_days
SELECT DISTINCT $chunk, b.site, b.date
FROM batch b
WHERE NOT EXISTS (
    FROM live.chunk_days d WHERE d.chunk = $chunk AND d.site = b.site AND d.date = b.date
);
