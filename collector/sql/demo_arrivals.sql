INSERT INTO live.arrivals SELECT * EXCLUDE (kind) FROM demo_ways WHERE kind = $kind;
