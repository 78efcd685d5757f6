-- Found actions by the numbers of what is asked for, whose words sums_of_numbers looks up.
SELECT
    /*times*/
    /*numbers*/
    /*visitors*/
    count(*) FILTER (WHERE /*is_visit*/) AS visits,
    count(*) FILTER (is_view) AS pageviews,
    count(*) AS events
FROM found
GROUP BY ALL;
