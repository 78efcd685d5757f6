DELETE FROM archive.page_rollups WHERE site = $site;
