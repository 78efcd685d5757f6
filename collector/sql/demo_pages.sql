INSERT INTO live.pages SELECT $site, rank, md5_number_lower(path), path FROM demo_paths;
