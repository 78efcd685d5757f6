-- The first and last day of a period that are not sealed yet, and whether any of it is.
SELECT
    min(date), max(date),
    EXISTS (FROM archive.sealed WHERE site = $site AND date BETWEEN $first AND $last)
FROM live.visits
WHERE site = $site AND date BETWEEN $first AND $last
  AND date NOT IN (
    SELECT date FROM archive.sealed WHERE site = $site AND date BETWEEN $first AND $last
  );
