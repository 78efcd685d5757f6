-- How many came with this batch, and how many are known without them.
SELECT
    (SELECT count(*) FROM batch WHERE kind = 'erasure'),
    (SELECT count(*) FROM live.erasures);
