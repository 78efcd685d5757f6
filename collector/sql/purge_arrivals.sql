DELETE FROM archive.arrivals WHERE site = $site;
