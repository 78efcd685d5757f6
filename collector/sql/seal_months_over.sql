-- Months of a site that are not summed up yet although a later one has begun.
SELECT DISTINCT date_trunc('month', date) AS month
FROM archive.sealed
WHERE site = $site
  AND date_trunc('month', date) NOT IN (
    SELECT month FROM archive.rolled_months WHERE site = $site
)
  AND date < (SELECT date_trunc('month', max(date)) FROM archive.sealed WHERE site = $site)
ORDER BY month;
