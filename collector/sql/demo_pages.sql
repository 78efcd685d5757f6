INSERT INTO live.pages SELECT $site, rank, path FROM demo_paths;
