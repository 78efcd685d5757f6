DELETE FROM archive.events WHERE site = $site AND date < $before;
