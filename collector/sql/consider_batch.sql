-- The events so far that the visits to be computed anew are made of. The bound for all of them says
-- nothing more, but lets DuckDB pass over what is older.
SELECT e.*, e.rowid AS event
FROM live.events e
JOIN touched t ON e.site = t.site AND e.date = t.date AND e.token = t.token
WHERE e.at_us >= t.since_us AND e.at_us >= $since_us;
