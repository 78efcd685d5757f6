-- DuckDB gives freed memory back when a query ends that took more than the threshold, so this one
-- takes just that. What a checkpoint frees would otherwise stay until the next such query.
SELECT count(*) FROM (SELECT DISTINCT range FROM range(100_000));
