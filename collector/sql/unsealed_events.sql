FROM live.events
WHERE site = $site AND date BETWEEN $since AND $until
  AND date NOT IN (/*sealed_between*/);
