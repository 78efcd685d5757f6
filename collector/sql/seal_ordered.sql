-- The day's events in the order of number_events. Numbers stand for texts: they are sooner sorted.
CREATE OR REPLACE TEMP TABLE ordered AS
SELECT
    e.rowid AS event, token, at_us, hour, arrival, interactive, engaged_s, scroll, page,
    n.rank AS name, h.rank AS host, name <> 'engagement' AS acts, name = 'pageview' AS is_view
FROM live.events e
JOIN day_paths p USING (path)
JOIN day_names n USING (name)
JOIN day_hosts h USING (host)
WHERE site = $site AND date = $date
ORDER BY token, at_us, n.rank, p.rank;
