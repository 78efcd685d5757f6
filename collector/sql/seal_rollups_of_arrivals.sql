-- By how visits arrived, and where they stand among those of their visitor.
INSERT INTO rolled_arrivals
SELECT
    arrival, mark, view_mark, source_mark, channel_mark, referrer_mark, utm_campaign_mark, count(*),
    total(pageviews), total(events), total(duration_s), count(*) FILTER (is_bounce)
FROM placed
GROUP BY ALL;
