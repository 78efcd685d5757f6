-- Rows of sealed visits that do not lie in the order of the visitors' random numbers.
SELECT count(*), count(*) FILTER (visitor < before)
FROM (
    SELECT visitor, lag(visitor) OVER (PARTITION BY site, date ORDER BY rowid) AS before
    FROM archive.visits
);
