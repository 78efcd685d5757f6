DELETE FROM archive.page_months WHERE site = $site;
