-- Sealed weeks, months or quarters by the number of the page.
SELECT
    /*times*/
    page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s,
    scroll
FROM archive.page_spans
JOIN (SELECT unnest($/*span*/_firsts::DATE[]) AS date) USING (date)
WHERE site = $site AND dimension = $rolled AND span = '/*span*/'
