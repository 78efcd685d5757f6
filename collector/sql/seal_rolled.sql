-- Sums of the day, of one share of its visitors after the other; seal_rollups adds them up.
CREATE OR REPLACE TEMP TABLE rolled (
    dimension VARCHAR,
    value VARCHAR,
    visitors BIGINT,
    visits BIGINT,
    pageviews BIGINT,
    events BIGINT,
    duration_s BIGINT,
    entries BIGINT,
    bounces BIGINT,
    readings BIGINT,
    engaged_s BIGINT,
    scroll BIGINT
);
