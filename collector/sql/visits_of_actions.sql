-- Visits that contain an action the filter lets through; their pageviews and events are those.
SELECT v.* REPLACE (a.pageviews AS pageviews, a.events AS events), /*enters*/ AS enters
FROM /*visits*/ v
JOIN (
    SELECT
        date, visitor, visit,
        count(*) FILTER (is_view) AS pageviews,
        count(*) AS events
    FROM /*actions*/
    WHERE /*within_hours*/ AND /*where_actions*/
    GROUP BY ALL
) a USING (date, visitor, visit)
/*arriving*/
WHERE /*where*/
