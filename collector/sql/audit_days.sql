-- Sealed days of a site, and those of them that are too old.
SELECT count(*), count(*) FILTER (date < $kept_from) FROM archive.sealed WHERE site = $site;
