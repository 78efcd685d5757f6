DELETE FROM live.arrivals a WHERE NOT EXISTS (FROM live.events e WHERE e.arrival = a.arrival);
