-- How many lines a day has, of how many visitors.
SELECT
    (SELECT count(*) FROM live.events WHERE site = $site AND date = $date),
    (SELECT count(*) FROM ordinals);
