SELECT least(
    (SELECT min(date) FROM archive.sealed WHERE site = $site AND events > 0),
    (SELECT min(date) FROM live.visits WHERE site = $site)
);
