-- Those pages that are looked at, as the loader numbers them.
INSERT INTO live.pages
SELECT $site, rank, digest, path
FROM demo_paths
SEMI JOIN (SELECT page AS rank FROM live.events) USING (rank);
