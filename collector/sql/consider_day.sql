-- All events of one site and day.
SELECT *, rowid AS event FROM live.events WHERE site = $site AND date = $date;
