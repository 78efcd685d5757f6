SELECT count(*) FROM day_hosts;
