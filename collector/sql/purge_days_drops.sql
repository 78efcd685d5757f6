DELETE FROM archive.drops WHERE site = $site AND date < $before;
