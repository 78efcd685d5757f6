DELETE FROM archive.rollups WHERE site = $site;
