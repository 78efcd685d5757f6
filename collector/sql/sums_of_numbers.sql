-- Sealed pageviews and custom events by page or by name; marks tell visits and most visitors,
-- unless the filter lets through only some of what a visit did on a page or under a name.
WITH found AS /*found*/
SELECT
    /*times*/
    /*words*/
    visitors, visits, pageviews, events
FROM /*counted*/
/*lookups*/
/*told_apart*/
/*visits_told_apart*/
