-- Pageviews and custom events by page or by name, where marks tell visits and most visitors.
WITH found AS (
    SELECT * FROM /*actions*/ /*arriving*/ WHERE /*where*/
)
SELECT
    /*times*/
    /*words*/
    visitors, visits, pageviews, events
FROM (
    SELECT
        /*times*/
        /*numbers*/
        count(*) FILTER (WHERE /*once*/) AS visitors,
        count(*) FILTER (/*mark*/ > 0) AS visits,
        count(*) FILTER (name = 'pageview') AS pageviews,
        count(*) AS events
    FROM found
    GROUP BY ALL
)
/*lookups*/
/*told_apart*/
