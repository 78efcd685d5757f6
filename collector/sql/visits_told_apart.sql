UNION ALL BY NAME
SELECT
    /*times*/
    /*found_words*/
    count(*) AS visits
FROM (
    SELECT DISTINCT
        /*words*/
        date, visitor, visit
    FROM found
    /*lookups*/
)
GROUP BY ALL
