-- From when to when a period consists of whole months that are summed up.
SELECT min(month), last_day(max(month))
FROM archive.rolled_months
WHERE site = $site AND month >= $first AND last_day(month) <= $last;
