-- As report, of several dimensions side by side: one statement is sooner planned than many.
SELECT *
FROM (
    SELECT
        panel,
        /*keys*/
        /*metrics*/
    FROM /*sums*/
    GROUP BY ALL
)
QUALIFY row_number() OVER (PARTITION BY panel ORDER BY /*order*/) <= $limit
ORDER BY panel, /*order*/;
