DELETE FROM archive.visits WHERE site = $site AND date < $before;
