-- From sums by day to a report: all of them are additive over days, visitors too.
SELECT
    /*keys*/
    /*metrics*/
FROM /*sums*/
GROUP BY ALL
ORDER BY /*order*/
LIMIT $limit OFFSET $offset;
