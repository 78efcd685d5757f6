DELETE FROM archive.rolled_spans WHERE site = $site;
