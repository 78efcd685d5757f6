-- A visit that was its visitor's only one is the first of several now.
UPDATE live.visits v
SET
    mark = 2,
    view_mark = least(view_mark * 2, 2),
    entry_page_mark = 2,
    exit_page_mark = 2,
    source_mark = 2,
    channel_mark = 2,
    referrer_mark = 2,
    utm_campaign_mark = 2
FROM touched t
WHERE v.site = t.site AND v.date = t.date AND v.token = t.token AND v.started_at_us = t.first_us
  AND v.mark = 1 AND t.acts AND t.first_us < t.since_us;
