-- What those who came back had not shown before in the day: later visits are compared with all that
-- their visitor made earlier.
WITH several AS MATERIALIZED (
    SELECT
        v.rowid AS visit, v.site, v.date, v.token, v.started_at_us, pageviews, mark, entry_page,
        exit_page, source, channel, referrer, utm_campaign,
        v.started_at_us >= t.since_us AS is_new
    FROM live.visits v
    JOIN touched t ON v.site = t.site AND v.date = t.date AND v.token = t.token
    JOIN live.arrivals USING (arrival)
    WHERE mark > 1
), compared AS (
    SELECT
        n.visit,
        CASE WHEN any_value(n.pageviews) = 0 THEN 0 ELSE mark(bool_or(o.pageviews > 0), true) END
            AS view_mark,
        mark(bool_or(o.entry_page = n.entry_page), true) AS entry_page_mark,
        mark(bool_or(o.exit_page = n.exit_page), true) AS exit_page_mark,
        mark(bool_or(o.source = n.source), true) AS source_mark,
        mark(bool_or(o.channel = n.channel), true) AS channel_mark,
        mark(bool_or(o.referrer = n.referrer), true) AS referrer_mark,
        mark(bool_or(o.utm_campaign = n.utm_campaign), true) AS utm_campaign_mark
    FROM (FROM several WHERE is_new) n
    JOIN several o ON n.site = o.site AND n.date = o.date AND n.token = o.token
    WHERE o.started_at_us < n.started_at_us
    GROUP BY n.visit
)
UPDATE live.visits v
SET
    view_mark = c.view_mark,
    entry_page_mark = c.entry_page_mark,
    exit_page_mark = c.exit_page_mark,
    source_mark = c.source_mark,
    channel_mark = c.channel_mark,
    referrer_mark = c.referrer_mark,
    utm_campaign_mark = c.utm_campaign_mark
FROM compared c
WHERE v.rowid = c.visit;
