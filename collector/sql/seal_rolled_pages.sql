CREATE OR REPLACE TEMP TABLE rolled_pages AS
SELECT dimension, 0 AS page, * EXCLUDE (dimension, value) FROM rolled WITH NO DATA;
