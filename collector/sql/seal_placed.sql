-- What a visit's events and sums take from it. `regular` is a visitor of several visits.
CREATE OR REPLACE TEMP TABLE placed AS
SELECT
    island, visitor, visit, act, hour, duration_s, pageviews, events, is_bounce, entry_host,
    exit_host, a.arrival,
    CASE WHEN visits > 1 THEN visitor END AS regular,
    CASE WHEN visits = 1 THEN 1 WHEN visit = 1 THEN 2 ELSE 3 END::UTINYINT AS mark,
    coalesce(entry_page, nowhere) AS entry_page,
    coalesce(exit_page, nowhere) AS exit_page
FROM computed
JOIN ordinals USING (token)
JOIN live.arrivals l USING (arrival)
JOIN (SELECT arrival, digest FROM archive.arrivals WHERE site = $site) a USING (digest)
CROSS JOIN (SELECT page AS nowhere FROM archive.pages WHERE site = $site AND path = '');
