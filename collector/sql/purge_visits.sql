DELETE FROM archive.visits WHERE site = $site;
