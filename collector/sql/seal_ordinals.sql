-- Tokens end here: each becomes a random number of its day. The mapping is never written.
CREATE OR REPLACE TEMP TABLE ordinals AS
SELECT token, row_number() OVER (ORDER BY random()) AS visitor
FROM computed
WHERE visit = 1;
