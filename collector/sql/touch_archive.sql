SELECT 1 FROM archive.sealed LIMIT 1;
