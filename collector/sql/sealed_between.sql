SELECT date FROM archive.sealed WHERE site = $site AND date BETWEEN $since AND $until;
