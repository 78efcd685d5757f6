INSERT INTO live.day_keys VALUES ($site, $date, $start_us);
