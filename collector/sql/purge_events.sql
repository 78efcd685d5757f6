DELETE FROM archive.events WHERE site = $site;
