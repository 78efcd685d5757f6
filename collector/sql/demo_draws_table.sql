CREATE OR REPLACE TEMP TABLE demo_draws (
    kind INTEGER, k BIGINT, hour INTEGER, source INTEGER, country INTEGER, device INTEGER,
    event INTEGER
);
