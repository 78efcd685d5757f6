UNION ALL BY NAME
SELECT
    /*times*/
    /*found_words*/
    count(*) AS visitors
FROM (
    SELECT DISTINCT
        /*words*/
        date, visitor
    FROM /*often*/
    /*lookups*/
    WHERE /*again*/
)
GROUP BY ALL
