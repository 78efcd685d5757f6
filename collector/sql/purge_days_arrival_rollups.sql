DELETE FROM archive.arrival_rollups WHERE site = $site AND date < $before;
