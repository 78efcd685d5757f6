INSERT INTO archive.sealed
SELECT
    $site, $date, $sealed_at_us,
    (SELECT count(*) FROM computed),
    (SELECT count(*) FROM numbered WHERE acts),
    (SELECT count(*) FROM live.day_keys WHERE site = $site AND date = $date);
