-- Rows of sealed visits that do not lie in the order of the visitors' random numbers: those who came
-- once, then those who came again.
SELECT count(*), count(*) FILTER (visitor < before)
FROM (
    SELECT visitor, lag(visitor) OVER (PARTITION BY site, date, mark > 1 ORDER BY rowid) AS before
    FROM archive.visits
);
