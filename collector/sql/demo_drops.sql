INSERT INTO live.drops VALUES ($site, $date, $reason, $count);
