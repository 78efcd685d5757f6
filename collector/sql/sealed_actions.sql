-- Pageviews and custom events of sealed days; pages and arrivals are numbers.
FROM archive.events
WHERE site = $site AND date BETWEEN $first AND $last
