-- All events of one site and day.
SELECT row_number() OVER () AS event, * FROM live.events WHERE site = $site AND date = $date;
