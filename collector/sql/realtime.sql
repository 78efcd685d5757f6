-- Numbers of the last minutes. At midnight a visitor becomes another one, as in every report.
SELECT
    /*keys*/
    count(DISTINCT (date, visitor)) AS visitors,
    count(DISTINCT (date, visitor, visit)) AS visits,
    count(*) FILTER (name = 'pageview') AS pageviews,
    count(*) AS events
FROM /*actions*/
WHERE /*where*/
GROUP BY ALL;
