-- Days on which the random numbers of visitors tell at which hour they came: by chance, the
-- correlation of a large day lies within five standard deviations but once in 1.7 million.
SELECT count(*), count(*) FILTER (abs(told) * sqrt(visitors - 1) > 5)
FROM (
    SELECT corr(visitor, hour) AS told, count(*) AS visitors
    FROM archive.visits
    WHERE visit = 1
    GROUP BY site, date
    HAVING count(*) >= 50 AND min(hour) < max(hour)
);
