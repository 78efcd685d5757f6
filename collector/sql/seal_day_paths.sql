-- Which numbers pages have in the live store, and in the archive; `rank` is the order
-- of their digests, in which events of one moment are taken.
CREATE OR REPLACE TEMP TABLE day_paths AS
SELECT l.page AS live_page, a.page, row_number() OVER (ORDER BY digest) AS rank
FROM (SELECT DISTINCT page FROM live.events WHERE site = $site AND date = $date)
JOIN (SELECT page, digest, path FROM live.pages WHERE site = $site) l USING (page)
JOIN (SELECT path, page FROM archive.pages WHERE site = $site) a USING (path);
