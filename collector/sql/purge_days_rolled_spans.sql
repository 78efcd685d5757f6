DELETE FROM archive.rolled_spans WHERE site = $site AND date < $before;
