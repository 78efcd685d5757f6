DELETE FROM live.pages p
WHERE NOT EXISTS (FROM live.events e WHERE e.site = p.site AND e.page = p.page);
