DELETE FROM archive.sealed WHERE site = $site AND date < $before;
