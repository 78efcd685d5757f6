DELETE FROM archive.drops WHERE site = $site;
