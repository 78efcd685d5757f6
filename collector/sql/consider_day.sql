-- All events of one site and day.
FROM live.events WHERE site = $site AND date = $date;
