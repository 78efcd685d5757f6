-- Every way to arrive at a made-up site: with a source (the first is none), from a country, on a
-- device; numbered in this order, so that demo_day finds each by arithmetic.
INSERT INTO demo_ways
WITH sources AS (SELECT unnest($sources) AS way, generate_subscripts($sources, 1) AS s),
    countries AS (SELECT unnest($countries) AS country, generate_subscripts($countries, 1) AS c),
    devices AS (SELECT unnest($devices) AS device, generate_subscripts($devices, 1) AS d)
SELECT
    $kind, row_number() OVER (ORDER BY s, c, d), md5_number_lower(to_json(parts)),
    parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7], parts[8], parts[9],
    parts[10], parts[11]
FROM (SELECT s, c, d, way || [country] || device AS parts FROM sources, countries, devices);
