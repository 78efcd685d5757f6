DELETE FROM archive.rollups WHERE site = $site AND date < $before;
