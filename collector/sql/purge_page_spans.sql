DELETE FROM archive.page_spans WHERE site = $site;
