-- Visits of days that are not sealed; pages and arrivals are numbers of the live store.
SELECT
    date, token AS visitor, started_at_us AS visit, mark, hour, hours, duration_s, pageviews, events,
    is_bounce, entry_host, exit_host, entry_page, exit_page, arrival, view_mark, entry_page_mark,
    exit_page_mark, source_mark, channel_mark, referrer_mark, utm_campaign_mark
FROM live.visits
WHERE site = $site AND date BETWEEN $since AND $until
  AND date NOT IN (/*sealed_between*/)
