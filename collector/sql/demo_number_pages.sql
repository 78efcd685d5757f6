-- Every page of a site, before a day is sealed: so they have the same numbers in every archive that
-- days of it are made in.
INSERT INTO archive.pages
SELECT $site, row_number() OVER (ORDER BY path), path
FROM (SELECT path FROM demo_paths UNION ALL SELECT unnest(['', '(other)']));
