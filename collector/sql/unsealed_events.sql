FROM live.events
WHERE site = $site AND date BETWEEN $since AND $until
  AND date NOT IN (
    SELECT date FROM archive.sealed WHERE site = $site AND date BETWEEN $since AND $until
  );
