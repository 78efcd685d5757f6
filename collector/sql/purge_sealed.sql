DELETE FROM archive.sealed WHERE site = $site;
