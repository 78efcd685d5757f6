DELETE FROM archive.page_weeks WHERE site = $site;
