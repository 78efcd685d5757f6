DELETE FROM archive.rolled_months WHERE site = $site;
