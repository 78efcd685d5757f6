CREATE OR REPLACE TEMP TABLE rolled_pages AS
SELECT * EXCLUDE (site, date) FROM archive.page_rollups WITH NO DATA;
