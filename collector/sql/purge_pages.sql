DELETE FROM archive.pages WHERE site = $site;
