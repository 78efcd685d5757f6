-- What is left of visitors who took something back: the first of it may be gone.
WITH acted AS (
    SELECT e.rowid AS event, e.site, e.date, e.token, e.page, e.name, e.hour
    FROM live.events e
    SEMI JOIN (FROM batch WHERE kind = 'erasure') b
        ON e.site = b.site AND e.date = b.date AND e.token = b.token
    WHERE e.name <> 'engagement'
), page_firsts AS (
    SELECT min(event) AS event FROM acted GROUP BY site, date, token, page
), name_firsts AS (
    SELECT min(event) AS event FROM acted GROUP BY site, date, token, name
), hour_firsts AS (
    SELECT min(event) AS event FROM acted GROUP BY site, date, token, hour
)
UPDATE live.events e
SET
    new_page = e.rowid IN (FROM page_firsts),
    new_name = e.rowid IN (FROM name_firsts),
    new_hour = e.rowid IN (FROM hour_firsts)
FROM acted
WHERE e.rowid = acted.event;
