-- The months that have sealed days of these sites, and how many rows a file of each will have.
SELECT
    date_trunc('month', date)::DATE AS first,
    (date_trunc('month', date) + INTERVAL 1 MONTH)::DATE AS next,
    sum(visits)::BIGINT,
    sum(events)::BIGINT
FROM archive.sealed
WHERE site IN (SELECT unnest($sites))
GROUP BY ALL
ORDER BY first;
