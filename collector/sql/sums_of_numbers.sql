-- Sealed pageviews and custom events by page or by name; marks tell visits and most visitors,
-- unless the filter lets through only some of what a visit did on a page or under a name.
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
        count(*) FILTER (WHERE /*is_visit*/) AS visits,
        count(*) FILTER (name = 'pageview') AS pageviews,
        count(*) AS events
    FROM found
    GROUP BY ALL
)
/*lookups*/
/*told_apart*/
/*visits_told_apart*/
