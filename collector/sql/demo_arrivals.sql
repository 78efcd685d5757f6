-- Those ways to arrive by which somebody came.
INSERT INTO live.arrivals
SELECT * EXCLUDE (kind)
FROM demo_ways
SEMI JOIN (SELECT arrival FROM live.events) USING (arrival)
WHERE kind = $kind;
