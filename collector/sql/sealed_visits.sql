-- Visits of sealed days; pages and arrivals are numbers.
FROM archive.visits
WHERE site = $site AND date BETWEEN $first AND $last
