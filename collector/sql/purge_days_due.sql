-- Sealed days that are too old, oldest first.
SELECT date FROM archive.sealed WHERE site = $site AND date < $kept_from ORDER BY date;
