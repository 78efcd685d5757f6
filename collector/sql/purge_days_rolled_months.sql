DELETE FROM archive.rolled_months WHERE site = $site AND month < $before;
