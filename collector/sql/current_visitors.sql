SELECT count(DISTINCT token) FROM live.events
WHERE site = $site AND at_us BETWEEN $since_us AND $until_us;
