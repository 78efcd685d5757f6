-- What a visit did under a name, and the mark of it.
CREATE OR REPLACE TEMP TABLE name_visits AS
WITH names AS (
    SELECT island, name, min(n) AS n, count(*) AS events FROM numbered WHERE acts GROUP BY ALL
), visited AS (
    SELECT names.*, regular FROM names JOIN placed USING (island)
)
SELECT *, 1 AS mark FROM visited WHERE regular IS NULL
UNION ALL
SELECT *, mark(lag(n) OVER theirs > 0, lead(n) OVER theirs > 0) AS mark
FROM visited
WHERE regular IS NOT NULL
WINDOW theirs AS (PARTITION BY regular, name ORDER BY n);
