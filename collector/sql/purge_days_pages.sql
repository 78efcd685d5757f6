-- Addresses of pages that no day speaks of any more.
DELETE FROM archive.pages p
WHERE p.site = $site
  AND NOT EXISTS (
    FROM (
        SELECT entry_page AS page FROM archive.visits WHERE site = $site
        UNION SELECT exit_page FROM archive.visits WHERE site = $site
        UNION SELECT page FROM archive.events WHERE site = $site
        UNION SELECT page FROM archive.page_rollups WHERE site = $site
        UNION SELECT page FROM archive.page_spans WHERE site = $site
    ) spoken
    WHERE spoken.page = p.page
);
