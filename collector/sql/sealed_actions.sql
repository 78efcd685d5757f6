-- Pageviews and custom events of sealed days; pages and arrivals are numbers.
SELECT
    date, visitor, visit, arrival, hour, name, name_mark, host, page, page_mark, props
FROM archive.events
WHERE site = $site AND date BETWEEN $first AND $last AND $site NOT IN (SELECT site FROM archive.removed_sites)
