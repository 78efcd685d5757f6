SELECT count(*), min(at_us) FROM live.events;
