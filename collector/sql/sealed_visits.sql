-- Visits of sealed days; pages and arrivals are numbers.
SELECT
    date, visitor, visit, mark, duration_s, pageviews, events, is_bounce, entry_host, exit_host,
    entry_page, exit_page, arrival
FROM archive.visits
WHERE site = $site AND date BETWEEN $first AND $last AND $site NOT IN (SELECT site FROM archive.removed_sites)
