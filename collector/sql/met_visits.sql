-- Found visits counted by the way they arrived, in one pass for all queries about them: each has
-- its own count of those that are one visitor.
CREATE TEMP TABLE /*name*/ AS
SELECT
    arrival,
    /*visitors*/
    count(*) AS visits,
    total(pageviews) AS pageviews,
    total(events) AS events,
    total(duration_s) AS duration_s,
    count(*) FILTER (enters) AS entries,
    count(*) FILTER (enters AND is_bounce) AS bounces
FROM /*found*/
GROUP BY arrival;
