-- `rank` is the order of the text.
CREATE OR REPLACE TEMP TABLE day_paths AS
SELECT path, page, row_number() OVER (ORDER BY path) AS rank
FROM (SELECT DISTINCT path FROM live.events WHERE site = $site AND date = $date)
JOIN (SELECT path, page FROM archive.pages WHERE site = $site) USING (path);
