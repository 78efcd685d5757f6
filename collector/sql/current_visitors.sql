SELECT site, count(DISTINCT token) FROM live.events
WHERE site IN (SELECT unnest($sites)) AND at_us BETWEEN $since_us AND $until_us
GROUP BY site;
