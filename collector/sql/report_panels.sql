-- As report, of several dimensions side by side: the rollups are read once, and one statement is
-- sooner planned than many. The whole is made of its course in time.
WITH summed AS MATERIALIZED (
    SELECT
        panel,
        CASE WHEN panel = 'total' THEN /*label*/ ELSE d0 END AS k0,
        /*totals*/
    FROM /*sums*/
    GROUP BY ALL
), whole AS (
    SELECT 'whole' AS panel, '' AS k0, /*totals*/ FROM summed WHERE panel = 'total'
)
SELECT panel, k0, /*metrics*/
FROM (FROM summed UNION ALL FROM whole)
QUALIFY panel = 'total' OR row_number() OVER (PARTITION BY panel ORDER BY visitors DESC, k0) <= $limit
ORDER BY panel, CASE WHEN panel <> 'total' THEN visitors END DESC, k0;
