-- Whole visits by what is true of all of each: fastest, since their events are not read. Those of
-- the same number (a page, a way to arrive) are counted before its words are looked up. Visitors
-- whom no mark tells are told apart one by one.
WITH found AS /*found*/
SELECT
    /*times*/
    /*words*/
    visitors, visits, pageviews, events, duration_s, entries, bounces
FROM /*counted*/
/*lookups*/
/*told_apart*/
