DELETE FROM archive.page_rollups WHERE site = $site AND date < $before;
