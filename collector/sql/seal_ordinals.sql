-- Tokens end here: each becomes a random number of its day. The mapping is never written.
CREATE OR REPLACE TEMP TABLE ordinals AS
SELECT token, (row_number() OVER (ORDER BY random()))::UINTEGER AS visitor
FROM (
    SELECT DISTINCT token
    FROM live.events
    WHERE site = $site AND date = $date AND name <> 'engagement'
);
