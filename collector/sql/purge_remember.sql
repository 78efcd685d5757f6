INSERT INTO archive.removed_sites
SELECT $site, $removed_at_us
WHERE NOT EXISTS (FROM archive.removed_sites WHERE site = $site);
