-- In the order of the random numbers, which says nothing about who came first. Visitors who came
-- once lie before the others, whom some questions are about alone.
INSERT INTO archive.visits
WITH hosts AS (SELECT list(host ORDER BY rank) AS names FROM day_hosts)
SELECT
    $site, $date, visitor, visit, mark, hour,
    ((hours::BIGINT >> hour) | (hours::BIGINT << (24 - hour))) & 16_777_215, duration_s, pageviews, events, is_bounce,
    (SELECT names FROM hosts)[entry_host], (SELECT names FROM hosts)[exit_host], entry_page,
    exit_page, arrival, view_mark, entry_page_mark, exit_page_mark, source_mark, channel_mark,
    referrer_mark, utm_campaign_mark
FROM (FROM placed ORDER BY mark > 1, visitor, visit);
