INSERT INTO archive.sealed
SELECT
    $site, $date, $sealed_at_us,
    (SELECT coalesce(total(visits), 0) FROM rolled WHERE dimension = 'total'),
    (SELECT coalesce(total(events), 0) FROM rolled WHERE dimension = 'total'),
    (SELECT count(*) FROM live.day_keys WHERE site = $site AND date = $date);
