-- Pages by their numbers in the live store; 0 is the page of a visit without any.
SELECT page, path FROM live.pages WHERE site = $site
UNION ALL
SELECT 0, '';
