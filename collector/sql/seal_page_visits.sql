-- What a visit did on a page, and the mark of it.
CREATE OR REPLACE TEMP TABLE page_visits AS
WITH pages AS (
    SELECT
        island, page,
        min(n) AS n,
        count(*) AS events,
        count(*) FILTER (is_view) AS pageviews,
        coalesce(total(r.engaged_s), 0) AS engaged_s,
        max(coalesce(r.scroll, 0)) FILTER (is_view) AS scroll
    FROM (SELECT n, island, page, is_view FROM numbered WHERE acts)
    LEFT JOIN readings r USING (n)
    GROUP BY ALL
), visited AS (
    SELECT pages.*, regular FROM pages JOIN placed USING (island)
)
SELECT *, 1 AS mark FROM visited WHERE regular IS NULL
UNION ALL
SELECT *, mark(lag(n) OVER theirs > 0, lead(n) OVER theirs > 0) AS mark
FROM visited
WHERE regular IS NOT NULL
WINDOW theirs AS (PARTITION BY regular, page ORDER BY n);
