-- Weeks, months and quarters of a site that are not summed up yet although a later one has begun; as
-- their first and last day.
WITH spans AS (
    SELECT DISTINCT span, date_trunc(span, date)::DATE AS date
    FROM archive.sealed CROSS JOIN (SELECT unnest(['week', 'month', 'quarter']) AS span)
    WHERE site = $site
)
SELECT span, date, span_end(span, date)
FROM spans
ANTI JOIN (FROM archive.rolled_spans WHERE site = $site) USING (span, date)
WHERE date < (
    SELECT date_trunc(span, max(date)) FROM archive.sealed WHERE site = $site
)
ORDER BY span, date;
